//! Every source file says why it exists, and every manifest takes what the workspace decides once.

use crate::workspace::{File, files, members};

/// What stands in every member's manifest.
const INHERITED: &[&str] = &[
    "[lints]\nworkspace = true\n",
    "edition.workspace = true\n",
    "license.workspace = true\n",
    "publish.workspace = true\n",
    "rust-version.workspace = true\n",
    "version.workspace = true\n",
];

fn is_introduced(file: &File) -> bool {
    file.text.lines().next().and_then(|first| first.strip_prefix("//! ")).is_some_and(|why| !why.trim().is_empty())
}

fn manifest_violations(file: &File) -> Vec<String> {
    let text = format!("\n{}", file.text);
    let missing = INHERITED.iter().filter(|it| !text.contains(&format!("\n{it}")));
    let mut found: Vec<String> = missing.map(|it| format!("{} lacks {it:?}", file.path)).collect();
    let mut table = "";
    for line in file.text.lines() {
        let is_inherited = line.contains("workspace = true") || line.contains("path = ");
        if line.starts_with('[') {
            table = line;
        } else if table.contains("dependencies") && line.contains('=') && !is_inherited {
            found.push(format!("{} names a version itself: {line}", file.path));
        }
    }
    found
}

#[test]
fn every_source_file_says_why_it_exists() {
    let files = files("", ".rs");
    assert!(files.len() > members().len(), "fewer files than crates were read: the rule guards nothing");
    let silent: Vec<_> = files.iter().filter(|it| !is_introduced(it)).map(|it| &it.path).collect();
    assert_eq!(silent, [] as [&String; 0]);
}

#[test]
fn every_manifest_takes_what_the_workspace_decides() {
    let members = members();
    assert!(!members.is_empty(), "there is no member: the rule guards nothing");
    let manifests = files("", "Cargo.toml");
    for member in &members {
        let path = format!("{}/Cargo.toml", member.folder);
        let manifest = manifests.iter().find(|it| it.path == path).expect("a member has a manifest");
        assert_eq!(manifest_violations(manifest), [] as [String; 0]);
    }
}

#[test]
fn a_file_that_does_not_say_why_is_caught() {
    let is_introduced = |text: &str| is_introduced(&File { path: "a.rs".into(), text: text.into() });
    assert!(is_introduced("//! Why.\nfn f() {}"));
    for silent in ["", "fn f() {}\n//! Too late.", "//!\nfn f() {}", "// Not a doc comment.", "\n//! Second line."] {
        assert!(!is_introduced(silent), "{silent:?}");
    }
}

#[test]
fn a_manifest_that_decides_for_itself_is_caught() {
    let violations = |text: String| manifest_violations(&File { path: "Cargo.toml".into(), text }).len();
    let good = format!("{}[dependencies]\nserde.workspace = true\nuser = {{ path = \".\" }}\n", INHERITED.concat());
    assert_eq!(violations(good.clone()), 0);
    assert_eq!(violations(format!("{good}uuid = \"1\"\n")), 1);
    assert_eq!(violations(format!("{good}[dev-dependencies]\nuuid = {{ version = \"1\" }}\n")), 1);
    for inherited in INHERITED {
        assert_eq!(violations(good.replacen(inherited, "", 1)), 1, "{inherited}");
    }
}
