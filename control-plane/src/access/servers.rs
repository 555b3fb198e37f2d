//! Which server ids an agent may speak for.

use super::file::shown;

/// Some server ids: exact ones, and all that begin in some way (`eu-*`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Servers(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exact(Box<str>),
    BeginsWith(Box<str>),
}

impl Servers {
    /// Reads `arena-1,eu-*`. An error says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let pattern = |text: &str| match text.strip_suffix('*') {
            _ if text.is_empty() => Err("a server id of `servers=` is empty".to_owned()),
            Some(begin) if begin.contains('*') => {
                Err(format!("{}: a star stands at the end of a server id and nowhere else", shown(text)))
            }
            None if text.contains('*') => {
                Err(format!("{}: a star stands at the end of a server id and nowhere else", shown(text)))
            }
            Some(begin) => Ok(Pattern::BeginsWith(begin.into())),
            None => Ok(Pattern::Exact(text.into())),
        };
        text.split(',').map(pattern).collect::<Result<_, _>>().map(Self)
    }

    /// All there can be.
    pub(super) fn all() -> Self {
        Self(vec![Pattern::BeginsWith("".into())])
    }

    pub(super) fn have(&self, server: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::Exact(id) => server == &**id,
            Pattern::BeginsWith(begin) => server.starts_with(&**begin),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_of_these_or_begins_like_one() {
        let servers = Servers::parse("arena-1,eu-*").unwrap();
        for (id, had) in
            [("arena-1", true), ("arena-10", false), ("eu-", true), ("eu-7", true), ("us-eu-7", false)]
        {
            assert_eq!(servers.have(id), had, "{id}");
        }
        assert!(Servers::parse("*").unwrap().have("anything"));
        assert!(!Servers::default().have(""));
        for bad in ["", "a,", "a*b", "**"] {
            assert!(Servers::parse(bad).is_err(), "{bad}");
        }
    }
}
