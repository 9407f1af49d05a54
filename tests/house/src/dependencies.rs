//! The packages we stand on: their licences, and none of them twice. Reads `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::exceptions::Exceptions;
use crate::licence::accepted;

/// Packages, of all that are built for a user or for tests, whose licence is not on the list.
#[must_use]
pub fn licence_findings(metadata: &Value, licences: &Exceptions) -> Vec<String> {
    let mut findings = Vec::new();
    for package in list(&metadata["packages"]) {
        let licence = package["license"].as_str().unwrap_or("none given");
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        match accepted(licence, licences) {
            Ok(true) => {}
            Ok(false) => findings.push(format!("{name}: licence {licence} is not on the list")),
            Err(error) => findings.push(format!("{name}: {error}")),
        }
    }
    findings
}

/// Packages that a user of `root` builds in more than one version.
///
/// Tests and build scripts may pull in what they like: they cost a user neither size nor a type that is not the same type.
#[must_use]
pub fn duplicate_findings(metadata: &Value, root: &str, accepted: &Exceptions) -> Vec<String> {
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
        .map(|package| (text(&package["id"]), package))
        .collect();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for id in reached(metadata, &packages, root) {
        versions
            .entry(text(&packages[id]["name"]))
            .or_default()
            .insert(text(&packages[id]["version"]));
    }
    if versions.is_empty() {
        return vec![format!("no package `{root}` in the metadata")];
    }
    versions
        .into_iter()
        .filter(|(name, versions)| versions.len() > 1 && !accepted.contains(name))
        .map(|(name, versions)| format!("{name} in {} versions: {versions:?}", versions.len()))
        .collect()
}

/// The ids of `root` and of all that it needs at run time.
fn reached<'a>(
    metadata: &'a Value,
    packages: &BTreeMap<&'a str, &'a Value>,
    root: &str,
) -> BTreeSet<&'a str> {
    let needs: BTreeMap<&str, Vec<&str>> = list(&metadata["resolve"]["nodes"])
        .map(|node| {
            (
                text(&node["id"]),
                list(&node["deps"])
                    .filter(|dep| at_run_time(dep))
                    .map(|dep| text(&dep["pkg"]))
                    .collect(),
            )
        })
        .collect();
    let mut open: Vec<&str> = packages
        .iter()
        .filter(|(_, package)| package["name"] == root)
        .map(|(id, _)| *id)
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(needs.get(id).into_iter().flatten());
        }
    }
    reached
}

/// A normal dependency, and not one of shuttle's builds, which no user makes.
fn at_run_time(dependency: &Value) -> bool {
    list(&dependency["dep_kinds"])
        .any(|kind| kind["kind"].is_null() && kind["target"] != "cfg(shuttle)")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(kind: Option<&str>) -> Value {
        let package = |id: &str, name: &str, licence: &str| json!({"id": id, "name": name, "version": id, "license": licence});
        let dep = |id: &str, kind: Option<&str>| json!({"pkg": id, "dep_kinds": [{"kind": kind, "target": null}]});
        json!({
            "packages": [
                package("1", "ours", "MIT"),
                package("2", "hash", "MIT"),
                package("3", "hash", "MIT OR ISC"),
                package("4", "odd", "AGPL-3.0-only"),
            ],
            "resolve": {"nodes": [
                {"id": "1", "deps": [dep("2", None), dep("4", kind)]},
                {"id": "4", "deps": [dep("3", None)]},
            ]},
        })
    }

    #[test]
    fn a_package_under_another_licence_is_found() {
        let licences = Exceptions::parse("licences", "MIT # fine\n").unwrap();
        assert_eq!(
            licence_findings(&metadata(None), &licences),
            ["odd 4: licence AGPL-3.0-only is not on the list"]
        );
    }

    #[test]
    fn a_package_in_two_versions_is_found() {
        let none = Exceptions::parse("duplicates", "").unwrap();
        assert_eq!(
            duplicate_findings(&metadata(None), "ours", &none),
            [r#"hash in 2 versions: {"2", "3"}"#]
        );
        assert_eq!(duplicate_findings(&metadata(None), "other", &none).len(), 1);
    }

    #[test]
    fn what_only_tests_pull_in_may_be_there_twice() {
        let none = Exceptions::parse("duplicates", "").unwrap();
        assert!(duplicate_findings(&metadata(Some("dev")), "ours", &none).is_empty());
    }
}
