//! What a configuration makes of queues, and what reading it again changes.

use std::fs;

use super::*;

const RANKED: &str = r#"{
  "name": "ranked", "ruleLanguageVersion": "1.0",
  "playerAttributes": [{ "name": "skill", "type": "number", "default": 10 }],
  "teams": [{ "name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 }],
  "rules": [{ "name": "Fair", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 50 }]
}"#;

/// A directory with a configuration file.
struct Files(tempfile::TempDir);

impl Files {
    fn new(queues: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::create_dir(files.0.path().join("rules")).unwrap();
        files.write("rules/ranked.json", RANKED);
        files.write("muster.toml", queues);
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn open(&self) -> Result<Queues, Invalid> {
        let path = self.0.path().join("muster.toml");
        let config = Config { config: Some(path.clone()), ..runtime::config::defaults(&[]) };
        Queues::new(&config, &sections::<Config, _>(&path).unwrap())
    }
}

#[test]
fn a_rule_set_is_found_beside_the_configuration_file() {
    let files = Files::new("[queues.'demo:ranked']\nrule_set = 'rules/ranked.json'");
    let settings = files.open().unwrap().of(&QueueKey::new("demo:ranked"));
    assert_eq!(settings.rules.to_string(), "rule set `ranked`");
    assert!(settings.judge.is_some() && settings.land_type == "demo");
}

#[test]
fn a_rule_set_excludes_what_it_says_itself() {
    for field in
        ["teams = [1]", "min_players = 1", "max_players = 2", "relax_after = '1s'", "min_wait = '1s'"]
    {
        let files = Files::new(&format!("[queues.a]\nrule_set = 'rules/ranked.json'\n{field}"));
        let name = field.split(' ').next().unwrap();
        let invalid = files.open().unwrap_err();
        assert_eq!(invalid.setting, format!("queues.\"a\".{name}"), "{invalid}");
        assert!(invalid.message.starts_with("excludes rule_set"), "{invalid}");
    }
}

#[test]
fn a_broken_rule_set_is_named_with_every_fault_and_its_place() {
    let files = Files::new("[queues.a]\nrule_set = 'broken.json'\n[queues.b]\nmax_players = 0");
    files.write(
        "broken.json",
        &RANKED.replace("\"skill\", \"maxD", "\"skil\", \"maxD").replace("2 }]", "0 }]"),
    );
    let said = files.open().unwrap_err().to_string();
    assert!(
        said.starts_with("queues.\"a\".rule_set: ") && said.contains("queues.\"b\".max_players: "),
        "{said}"
    );
    let places: Vec<_> = said.lines().filter(|line| line.contains("broken.json:")).collect();
    assert!(
        places.len() == 2 && places[0].contains("broken.json:4:") && places[1].contains("broken.json:5:"),
        "{said}"
    );
}

#[test]
fn a_rule_set_that_cannot_be_read_says_why() {
    for (file, why) in [("none.json", "can't be read"), ("rules", "it is not a file")] {
        let said = Files::new(&format!("[queues.a]\nrule_set = '{file}'")).open().unwrap_err().to_string();
        assert!(said.contains(why) && said.contains(file), "{said}");
    }
}

#[tokio::test]
async fn reading_again_changes_all_or_nothing() {
    let files =
        Files::new("[queues.'demo:a']\nrule_set = 'rules/ranked.json'\n[queues.'demo:b']\nteams = [2, 2]");
    let queues = Arc::new(files.open().unwrap());
    let (a, b, c) = (QueueKey::new("demo:a"), QueueKey::new("demo:b"), QueueKey::new("demo:c"));
    let mut changes = queues.changes();
    let before = queues.of(&a);
    assert_eq!(queues.reload(Reload::Apply).await, Ok(Reloaded::default()), "nothing is new");
    assert!(!changes.has_changed().unwrap());

    files.write(
        "muster.toml",
        "[queues.'demo:a']\nrule_set = 'rules/ranked.json'\n[queues.'demo:c']\nmax_players = 9",
    );
    files.write("rules/ranked.json", &RANKED.replace("1.0", "9.9"));
    let errors = queues.reload(Reload::Apply).await.unwrap_err();
    assert!(errors.iter().any(|error| error.contains("ranked.json:2:")), "{errors:?}");
    assert!(queues.of(&a).are(&before) && !queues.is_configured(&c) && queues.is_configured(&b));

    files.write("rules/ranked.json", &RANKED.replace("50", "80"));
    let looked = queues.reload(Reload::Check).await.unwrap();
    assert!(queues.of(&a).are(&before), "it was looked at only");
    let taken = queues.reload(Reload::Apply).await.unwrap();
    assert_eq!(taken, looked);
    let told: Vec<_> = taken.changes.iter().map(|change| (change.queue.as_str(), &*change.what)).collect();
    let expected = [
        ("demo:a", "rules: rule set `ranked` → rule set `ranked`, changed"),
        ("demo:b", "removed: it follows its key"),
        ("demo:c", "added"),
    ];
    assert_eq!(told, expected);
    assert!(changes.has_changed().unwrap() && !queues.of(&a).are(&before));
    changes.mark_unchanged();
    files.write("muster.toml", "[queues");
    assert!(queues.reload(Reload::Apply).await.unwrap_err()[0].contains("muster.toml"));
    assert!(!changes.has_changed().unwrap());
}

#[test]
fn for_how_long_players_may_be_gone_is_checked_and_compared() {
    let queue = |value: &str, more: &str| {
        Files::new(&format!("[queues.a]\ndrop_absent_after = '{value}'\n{more}")).open()
    };
    for (value, more, why) in [
        ("999ms", "", "must be 1s or more"),
        ("15m", "", "must be shorter than ticket_lifetime, 900s"),
        ("30s", "ticket_lifetime = '30s'", "must be shorter than ticket_lifetime, 30s"),
    ] {
        let invalid = queue(value, more).unwrap_err();
        assert_eq!(invalid.setting, "queues.\"a\".drop_absent_after");
        assert!(invalid.message.starts_with(why), "{invalid}");
    }
    let (key, queues) = (QueueKey::new("a"), queue("1m", "").unwrap());
    let absence = queues.absence(&key).unwrap();
    assert_eq!((absence.pace(), absence.overdue()), (Duration::from_secs(5), Duration::from_secs(70)));
    assert_eq!(queues.absences(), [(key.clone(), absence)]);
    assert_eq!(queues.absence(&QueueKey::new("b")), None, "off, where nobody says so");
    let short = queue("2s", "").unwrap().of(&key);
    assert_eq!(short.absence.unwrap().pace(), Duration::from_millis(500));
    assert!(!short.are(&queues.of(&key)));
}
