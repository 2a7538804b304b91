//! A distribution center on the wire, wherever it is shown.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use uuid::Uuid;

use crate::profile::ProfileBody;

/// A distribution center.
#[derive(Debug, Clone, PartialEq, Object, Serialize)]
#[oai(rename = "Center", example)]
pub(crate) struct CenterBody {
    pub(crate) uuid: Uuid,
    /// Unique, and never changed.
    pub(crate) center_code: String,
    pub(crate) name: String,
    /// Who works there.
    pub(crate) staff_members: Vec<ProfileBody>,
}

impl Example for CenterBody {
    fn example() -> Self {
        Self {
            uuid: Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0002),
            center_code: "ABC001".to_owned(),
            name: "Seoul".to_owned(),
            staff_members: Vec::new(),
        }
    }
}
