//! Reads `teams`.

use super::{
    super::{Changing, RoleSlot, TeamSpec, limits, report::Report, suggest},
    Site, Sites, bounds,
    fields::Fields,
    names::Names,
    node::Node,
};

pub(super) fn read(
    node: Option<Node<'_>>,
    names: &mut Names,
    sites: &mut Sites,
    report: &mut Report<'_>,
) -> Vec<TeamSpec> {
    let Some(node) = node else { return Vec::new() };
    let Some(list) = node.list("teams", report) else { return Vec::new() };
    if list.is_empty() {
        report.error(&node.place, "a rule set has at least one team");
    }
    let mut teams = Vec::new();
    for node in &list {
        if let Some((team, site)) = team(node, names, report) {
            teams.push(team);
            sites.teams.push(site);
        }
    }
    teams
}

fn team(node: &Node<'_>, names: &mut Names, report: &mut Report<'_>) -> Option<(TeamSpec, Site)> {
    let mut fields = Fields::of(node, report)?;
    let mut site = Site { place: node.place.clone(), fields: Vec::new() };
    let name_node = fields.require("name");
    let name = name_node.as_ref().and_then(|name| name.name(report));
    let mut size = |name: &'static str, report: &mut Report<'_>| {
        let node = site.keep(name, fields.require(name))?;
        bounds::number(name, &node, report)
    };
    let sizes = (size("minPlayers", report), size("maxPlayers", report));
    let quantity = site.keep("quantity", fields.take("quantity"));
    let quantity = quantity.map_or(Some(1), |quantity| quantity.whole(1, limits::PLAYERS, report));
    let roles = site.keep("roles", fields.take("roles"));
    let roles = roles.and_then(|roles| roles.list("roles", report)).unwrap_or_default();
    let roles = self::roles(&roles, report);
    fields.finish("a team", &[], report);
    let (name_node, name) = (name_node?, name?);
    if names.teams_of(name).is_some() {
        report.error(&name_node.place, format!("there is a team {} already", suggest::shown(name)));
    }
    if name.contains([',', '[', ']', '*']) || name.trim() != name {
        let message = "no expression can name it: leave out `,`, `[`, `]`, `*` and blanks at the ends";
        report.error(&name_node.place, message);
    }
    let numbered = |other: &str| {
        let number = other.strip_prefix(name).and_then(|rest| rest.strip_prefix('_'));
        number.and_then(|number| number.parse::<u32>().ok()).is_some_and(|number| Some(number) <= quantity)
    };
    if quantity > Some(1)
        && let Some(same) = names.team_names().find(|other| numbered(other))
    {
        let shown = suggest::shown(same);
        report.error(
            &name_node.place,
            format!("one of these teams would be called {shown}, as another one is"),
        );
    }
    names.teams.push((name.to_owned(), quantity.unwrap_or(1)));
    let (Some(min), Some(max)) = sizes else { return None };
    let (min_players, max_players) = (Changing::fixed(min), Changing::fixed(max));
    let team = TeamSpec { name: name.to_owned(), min_players, max_players, quantity: quantity?, roles };
    Some((team, site))
}

fn roles(list: &[Node<'_>], report: &mut Report<'_>) -> Vec<RoleSlot> {
    let mut roles: Vec<RoleSlot> = Vec::new();
    for node in list {
        let Some(mut fields) = Fields::of(node, report) else { continue };
        let role = fields.require("role").and_then(|role| role.name(report));
        let count = fields.take("count");
        let count = count.map_or(Some(1), |count| count.whole(1, limits::PLAYERS, report));
        fields.finish("a role", &[], report);
        let (Some(role), Some(count)) = (role, count) else { continue };
        if roles.iter().any(|known| known.role == role) {
            report.error(
                &node.place,
                format!("the role {} is here twice; add the counts", suggest::shown(role)),
            );
        }
        roles.push(RoleSlot { role: role.to_owned(), count });
    }
    roles
}
