//! The architecture, checked against whatever crates and files are found: see docs/architecture.md.
//!
//! Cargo is the first fence: what a manifest does not name cannot be imported. These are the fences around the
//! manifests, and inside the crates that all contexts share. Each rule refuses to guard nothing, and is tried
//! on offenders. To change a rule, change its constants and say why in docs/adr/.

#![expect(clippy::expect_used, reason = "a workspace that cannot be read keeps no rule")]

mod bridges;
mod contexts;
mod dependencies;
mod documents;
mod files;
mod migrations;
mod promises;
mod tables;
mod workspace;
