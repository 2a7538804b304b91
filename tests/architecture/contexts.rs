//! Inside an adapter that all contexts share, each context keeps to its own folder, crates and tables.

use crate::tables::{names, owner};
use crate::workspace::{File, contexts, files, says};

const SHARED: &[&str] = &["adapters/http", "adapters/persistence", "adapters/remote"];

/// Which contexts besides `home` the file speaks of, and by what.
fn trespasses(home: &str, file: &File, contexts: &[String], tables: &[String]) -> Vec<String> {
    let others = contexts.iter().filter(|it| *it != home);
    let crates = others.flat_map(|it| [format!("{it}_domain"), format!("{it}_application"), format!("{it}::")]);
    let foreign = tables.iter().filter(|it| contexts.iter().any(|other| other != home && owner(it) == Some(other)));
    let words = crates.chain(foreign.map(|it| format!("{it}::")));
    words
        .filter(|it| says(&file.text, it))
        .map(|it| format!("{} belongs to {home} and must not speak of {it}", file.path))
        .collect()
}

/// The context whose folder the file is in, or whose name it bears.
fn home<'a>(file: &File, contexts: &'a [String]) -> Option<&'a String> {
    let mut parts = file.path.split('/').skip_while(|it| *it != "src").map(|it| it.trim_end_matches(".rs"));
    parts.find_map(|part| contexts.iter().find(|it| *it == part))
}

#[test]
fn contexts_keep_to_themselves_inside_an_adapter() {
    let (contexts, tables) = (contexts(), names());
    for adapter in SHARED {
        let mut read = 0;
        for file in files(&format!("{adapter}/src"), ".rs") {
            let Some(home) = home(&file, &contexts) else { continue };
            assert_eq!(trespasses(home, &file, &contexts, &tables), [] as [String; 0]);
            read += 1;
        }
        assert!(read > 0, "no context has a file in {adapter}: the rule guards nothing");
    }
}

#[test]
fn each_trespasser_is_caught() {
    let contexts = ["shipping", "user"].map(String::from);
    let tables = ["outbox", "shipping_items", "user_users"].map(String::from);
    let trespasses = |text: &str| {
        let file = File { path: "adapters/http/src/shipping/items.rs".into(), text: text.into() };
        trespasses(home(&file, &contexts).expect("a home"), &file, &contexts, &tables).len()
    };
    assert_eq!(trespasses("use user_domain::User;"), 1);
    assert_eq!(trespasses("fn f(it: &user_application::User) {}"), 1);
    assert_eq!(trespasses("use crate::user::profiles;"), 1);
    assert_eq!(trespasses("use crate::{problem::Problem, user::profiles};"), 1);
    assert_eq!(trespasses("user_users::table.find(id)"), 1);

    assert_eq!(trespasses("use shipping_domain::Item; use crate::shipping::items; outbox::table;"), 0);
    assert_eq!(trespasses("//! Unlike user_domain::User, an item is never deleted."), 0);
    assert_eq!(trespasses("let user = super_user::name();"), 0);
}
