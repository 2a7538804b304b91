//! `adapters/contexts` is where one context asks another, and only along the allowed directions.

use crate::workspace::{File, contexts, files, says};

const FOLDER: &str = "adapters/contexts/src/";

/// Who may ask whom: never both ways, or the two are one context.
const DIRECTIONS: &[(&str, &str)] =
    &[("auth", "user"), ("distribution", "user"), ("shipping", "distribution"), ("shipping", "user")];

fn violations(file: &File, contexts: &[String]) -> Vec<String> {
    let Some(name) = file.path.strip_prefix(FOLDER).and_then(|it| it.strip_suffix(".rs")) else {
        return vec![format!("{} is not a bridge", file.path)];
    };
    let named = |from: &str| name.strip_prefix(from)?.strip_prefix('_').filter(|to| contexts.iter().any(|it| it == to));
    let Some((asker, other)) = contexts.iter().find_map(|from| Some((from.as_str(), named(from)?))) else {
        return vec![format!("{} must be named <asker>_<asked>.rs", file.path)];
    };
    let mut found = Vec::new();
    if !DIRECTIONS.contains(&(asker, other)) {
        found.push(format!("{asker} must not ask {other}"));
    }
    for third in contexts.iter().filter(|it| *it != asker && *it != other) {
        if ["domain", "application"].iter().any(|layer| says(&file.text, &format!("{third}_{layer}"))) {
            found.push(format!("{} must not speak of {third}", file.path));
        }
    }
    found
}

#[test]
fn bridges_follow_the_allowed_directions() {
    let contexts = contexts();
    for direction in DIRECTIONS {
        assert!(!DIRECTIONS.contains(&(direction.1, direction.0)), "{direction:?} is allowed both ways");
    }
    let bridges: Vec<File> =
        files(FOLDER, ".rs").into_iter().filter(|it| it.path != format!("{FOLDER}lib.rs")).collect();
    assert!(!bridges.is_empty(), "there is no bridge: the rule guards nothing");
    assert_eq!(bridges.iter().flat_map(|it| violations(it, &contexts)).collect::<Vec<_>>(), [] as [String; 0]);
}

#[test]
fn each_wrong_bridge_is_caught() {
    let contexts = ["auth", "distribution", "shipping", "user"].map(String::from);
    let violations = |name: &str, text: &str| {
        violations(&File { path: format!("{FOLDER}{name}"), text: text.into() }, &contexts).len()
    };
    assert_eq!(violations("user_shipping.rs", ""), 1);
    assert_eq!(violations("shipping_shipping.rs", ""), 1);
    assert_eq!(violations("drivers.rs", ""), 1);
    assert_eq!(violations("shipping/user.rs", ""), 1);
    assert_eq!(violations("shipping_user.rs", "use auth_application::Auth;"), 1);
    assert_eq!(violations("shipping_user.rs", "use user_application::User; use shipping_domain::DriverId;"), 0);
}
