//! Where the process runs, which decides what it may make up.

/// Where this runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On a developer's machine.
    Local,
    /// In a test.
    Test,
    /// Where developers share it.
    Dev,
    /// Where it is tried before it goes out.
    Stage,
    /// Where it counts.
    Prod,
}

impl Environment {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "local" => Self::Local,
            "test" => Self::Test,
            "dev" => Self::Dev,
            "stage" => Self::Stage,
            "prod" => Self::Prod,
            _ => return None,
        })
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Test => "test",
            Self::Dev => "dev",
            Self::Stage => "stage",
            Self::Prod => "prod",
        }
    }

    /// Whether one person runs it for themselves: it may then migrate itself, sign with a key of
    /// its own making, and show its documentation to anybody.
    pub fn is_private(self) -> bool {
        matches!(self, Self::Local | Self::Test)
    }
}
