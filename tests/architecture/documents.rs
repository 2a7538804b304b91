//! Links between documents lead somewhere.

use std::path::Path;

use crate::workspace::{File, files, root};

/// The targets of `[text](target)` that are files of ours, without their `#anchors`.
fn targets(text: &str) -> Vec<&str> {
    let links = text.split("](").skip(1).filter_map(|it| it.split([')', ' ']).next());
    let relative = links.filter(|it| !it.contains("://") && !it.starts_with("mailto:"));
    relative.filter_map(|it| it.split('#').next()).filter(|it| !it.is_empty()).collect()
}

fn dead_links(root: &Path, file: &File) -> Vec<String> {
    let folder = root.join(&file.path).parent().expect("a file is in a folder").to_owned();
    let dead = targets(&file.text).into_iter().filter(|it| !folder.join(it).exists());
    dead.map(|it| format!("{} links to {it}, which is not there", file.path)).collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    let documents = files("", ".md");
    for needed in ["README.md", "docs/"] {
        assert!(documents.iter().any(|it| it.path.starts_with(needed)), "no {needed} was read");
    }
    assert_eq!(documents.iter().flat_map(|it| dead_links(&root(), it)).collect::<Vec<_>>(), [] as [String; 0]);
}

#[test]
fn a_dead_link_is_caught() {
    let text = "[a](../Cargo.toml) [b](https://example.org/x) [c](#here) [d](gone.md#there) [e](../gone \"title\")";
    assert_eq!(targets(text), ["../Cargo.toml", "gone.md", "../gone"]);
    let file = File { path: "tests/README.md".into(), text: text.into() };
    assert_eq!(dead_links(&root(), &file).len(), 2);
}
