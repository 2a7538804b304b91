//! What can go wrong behind a repository or any other port.

/// The cause, for our logs only.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a port could not answer. Use cases pass it on; the edge that answers decides what it means.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique key is in use already. `key` is the field's name: `alias`, `tracking_number`.
    #[error("this {key} is in use already")]
    Duplicate {
        /// The field that has to be unique.
        key: &'static str,
    },
    /// Somebody else changed the aggregate after we read it.
    #[error("{0} changed while we worked on it")]
    Conflict(String),
    /// The store gave up waiting for a lock, or chose us as the victim of a deadlock:
    /// nothing was kept, and the same unit of work may well succeed when tried again.
    #[error("the store was contended")]
    Contended(#[source] BoxError),
    /// A row no longer means anything to the domain: a bug or a bad migration.
    #[error("the store holds a {what} that the domain does not recognise")]
    Corrupt {
        /// The kind of thing that could not be read.
        what: &'static str,
        /// Why it could not be read.
        #[source]
        source: BoxError,
    },
    /// The store did not answer in time, or not at all.
    #[error("the store is unavailable")]
    Unavailable(#[source] BoxError),
}

impl StoreError {
    /// The store did not answer.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable(source.into())
    }

    /// A row that the domain cannot read.
    pub fn corrupt(what: &'static str, source: impl Into<BoxError>) -> Self {
        Self::Corrupt { what, source: source.into() }
    }
}
