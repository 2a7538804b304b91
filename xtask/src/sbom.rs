//! `cargo xtask sbom`: which packages the product is made of, in `CycloneDX`, for whoever looks for one with a known fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cargo_metadata::{DependencyKind, Metadata, Node, Package, PackageId};
use serde_json::{Value, json};

use crate::process::{command, output};

const PRODUCT: &str = "bootstrap";

/// `cargo xtask sbom`
pub(crate) fn sbom() -> Result<(), String> {
    let told = output(command("cargo", &["metadata", "--locked", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_str(&told).map_err(|why| format!("cargo metadata: {why}"))?;
    let bill = bill_of(&metadata)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let file = target.join("majestic.cdx.json");
    std::fs::create_dir_all(&target)
        .and_then(|()| std::fs::write(&file, format!("{bill:#}\n")))
        .map_err(|why| format!("{} cannot be written: {why}", file.display()))?;
    let packages = bill["components"].as_array().map_or(0, Vec::len);
    println!("{}: {packages} packages", file.display());
    Ok(())
}

/// All that the product needs on any platform and with any feature that this workspace asks for: more than one build has, and
/// nothing less. Without a time and a number, so that the same lock file gives the same bill.
fn bill_of(metadata: &Metadata) -> Result<Value, String> {
    let packages: BTreeMap<&PackageId, &Package> = metadata.packages.iter().map(|it| (&it.id, it)).collect();
    let nodes = metadata.resolve.iter().flat_map(|it| &it.nodes).map(|it| (&it.id, it));
    let nodes: BTreeMap<&PackageId, &Node> = nodes.collect();
    let product = metadata.packages.iter().find(|it| it.name.as_str() == PRODUCT && it.source.is_none());
    let product = product.ok_or_else(|| format!("there is no package {PRODUCT}"))?;

    let mut needed = BTreeMap::new();
    let mut next = vec![&product.id];
    while let Some(id) = next.pop() {
        if needed.contains_key(id) {
            continue;
        }
        let of = nodes.get(id).map(|it| needs(it)).unwrap_or_default();
        next.extend(&of);
        needed.insert(id, of);
    }
    let described = |id: &PackageId| packages.get(id).map(|it| component(it));
    let others = needed.keys().filter(|it| **it != &product.id);
    let dependencies = needed.iter().filter_map(|(id, of)| {
        let of: Vec<String> = of.iter().filter_map(|it| packages.get(*it)).map(|it| reference(it)).collect();
        packages.get(*id).map(|it| json!({ "ref": reference(it), "dependsOn": of }))
    });
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(product) },
        "components": others.filter_map(|it| described(it)).collect::<Vec<_>>(),
        "dependencies": dependencies.collect::<Vec<_>>(),
    }))
}

/// What is compiled in, or runs while it is compiled; what only tests need has no part in the product.
fn needs(node: &Node) -> BTreeSet<&PackageId> {
    let is_needed = |kind: DependencyKind| kind != DependencyKind::Development;
    let needed = node.deps.iter().filter(|it| it.dep_kinds.iter().any(|it| is_needed(it.kind)));
    needed.map(|it| &it.pkg).collect()
}

fn component(package: &Package) -> Value {
    let mut component = json!({
        "type": if package.name.as_str() == PRODUCT { "application" } else { "library" },
        "bom-ref": reference(package),
        "name": package.name.as_str(),
        "version": package.version.to_string(),
    });
    if package.source.is_some() {
        component["purl"] = json!(reference(package));
    }
    if let Some(license) = &package.license {
        // What cargo once allowed for `OR`, and nobody else knows.
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    component
}

fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use cargo_metadata::Metadata;
    use serde_json::{Value, json};

    use super::bill_of;

    fn package(name: &str, id: &str, source: Option<&str>) -> Value {
        json!({
            "name": name, "version": "1.2.3", "id": id, "source": source, "license": "MIT/Apache-2.0",
            "dependencies": [], "targets": [], "features": {}, "manifest_path": "/Cargo.toml",
        })
    }

    fn metadata() -> Metadata {
        let needs = |id: &str, kind: Option<&str>| json!({ "name": id, "pkg": id, "dep_kinds": [{ "kind": kind, "target": null }] });
        let node = |id: &str, deps: Vec<Value>| json!({ "id": id, "dependencies": [], "deps": deps, "features": [] });
        let registry = Some("registry+https://github.com/rust-lang/crates.io-index");
        let told = json!({
            "version": 1, "workspace_root": "/", "target_directory": "/target", "workspace_members": ["product"],
            "metadata": null,
            "packages": [
                package("bootstrap", "product", None),
                package("compiled", "compiled", registry),
                package("builder", "builder", registry),
                package("tester", "tester", registry),
            ],
            "resolve": { "root": null, "nodes": [
                node("product", vec![needs("compiled", None), needs("tester", Some("dev"))]),
                node("compiled", vec![needs("builder", Some("build"))]),
                node("builder", vec![needs("compiled", None)]),
                node("tester", vec![]),
            ]},
        });
        serde_json::from_value(told).unwrap()
    }

    #[test]
    fn what_is_compiled_in_and_what_compiles_it_is_on_the_bill_and_what_only_tests_need_is_not() {
        let bill = bill_of(&metadata()).unwrap();

        let names: Vec<_> = bill["components"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
        assert_eq!(names, ["builder", "compiled"]);
        assert_eq!(bill["metadata"]["component"]["name"], "bootstrap");
        assert_eq!(bill["components"][1]["purl"], "pkg:cargo/compiled@1.2.3");
        assert_eq!(bill["components"][1]["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
        let of_product = json!({ "ref": "pkg:cargo/bootstrap@1.2.3", "dependsOn": ["pkg:cargo/compiled@1.2.3"] });
        assert!(bill["dependencies"].as_array().unwrap().contains(&of_product));
    }
}
