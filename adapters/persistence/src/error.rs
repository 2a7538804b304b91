//! What a database failure means to a use case. Told by text where diesel drops the error's number.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use kernel_domain::StoreError;

/// The unique keys that callers can run into, and the field that each of them is about.
const FIELDS: &[(&str, &str)] = &[
    ("auth_api_keys_prefix", "prefix"),
    ("distribution_centers_center_code", "center_code"),
    ("shipping_batches_alias", "alias"),
    ("shipping_items_tracking_number", "tracking_number"),
    ("shipping_transports_on_road_driver_id", "driver_uuid"),
    ("user_users_phone_number", "phonenumber"),
    ("user_users_username", "username"),
];

/// How the backends say that somebody else has the lock and that trying again may help.
const CONTENTION: [&str; 3] = ["try restarting transaction", "NOWAIT is set", "is locked"];

pub(crate) fn store_error(error: Error) -> StoreError {
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => already_there(&*info),
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => StoreError::Contended(error.into()),
        Error::DatabaseError(DatabaseErrorKind::Unknown, ref info) if is_contention(info.message()) => {
            StoreError::Contended(error.into())
        }
        Error::DatabaseError(DatabaseErrorKind::Unknown, ref info) if is_broken_rule(info.message()) => {
            StoreError::corrupt("row", error)
        }
        Error::DatabaseError(DatabaseErrorKind::NotNullViolation, ref info) if is_overtaken(info.message()) => {
            StoreError::Conflict(info.table_name().unwrap_or("an aggregate").to_owned())
        }
        Error::DatabaseError(
            DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::ForeignKeyViolation,
            _,
        )
        | Error::DeserializationError(_)
        | Error::SerializationError(_)
        | Error::QueryBuilderError(_) => StoreError::corrupt("row", error),
        error => StoreError::unavailable(error),
    }
}

/// Whether a server's message says that a lock could not be had.
pub(crate) fn is_contention(message: &str) -> bool {
    CONTENTION.iter().any(|it| message.contains(it))
}

/// Whether a CHECK of the schema was broken, as `MariaDB` says it: diesel knows the number that MySQL has for it alone.
pub(crate) fn is_broken_rule(message: &str) -> bool {
    message.starts_with("CONSTRAINT `") && message.contains("` failed for `")
}

/// Whether there is no such table, as the backends say it.
pub(crate) fn is_missing_table(error: &Error) -> bool {
    let Error::DatabaseError(DatabaseErrorKind::Unknown, info) = error else { return false };
    ["doesn't exist", "no such table"].iter().any(|it| info.message().contains(it))
}

/// A changed row's version becomes null when somebody else changed the row first; see `Record`.
fn is_overtaken(message: &str) -> bool {
    message.contains("'version'") || message.ends_with(".version")
}

fn already_there(info: &(dyn DatabaseErrorInformation + Send + Sync)) -> StoreError {
    let key = unique_key(info.message());
    match FIELDS.iter().find(|(name, _)| *name == key) {
        Some((_, field)) => StoreError::Duplicate { key: field },
        None => StoreError::Conflict(key),
    }
}

/// The name of the key that a message complains about. Unique keys are named `table_column`, so
/// that the column which `SQLite` names gives the key's name, too.
fn unique_key(message: &str) -> String {
    if let Some((_, columns)) = message.split_once("UNIQUE constraint failed: ") {
        return columns.replace('.', "_");
    }
    let quoted = message.split_once("for key '").map_or(message, |(_, rest)| rest.trim_end_matches('\''));
    quoted.rsplit('.').next().unwrap_or(quoted).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: DatabaseErrorKind, message: &str) -> StoreError {
        store_error(Error::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn a_taken_key_is_told_by_its_field() {
        for message in [
            "Duplicate entry '20260102-0000000001' for key 'shipping_items.shipping_items_tracking_number'",
            "Duplicate entry '20260102-0000000001' for key 'shipping_items_tracking_number'",
            "UNIQUE constraint failed: shipping_items.tracking_number",
        ] {
            let error = refused(DatabaseErrorKind::UniqueViolation, message);
            assert!(matches!(error, StoreError::Duplicate { key: "tracking_number" }), "{message}: {error:?}");
        }
    }

    #[test]
    fn a_key_that_no_caller_chooses_is_a_conflict() {
        for message in [
            "Duplicate entry 'x' for key 'shipping_batch_items.shipping_batch_items_open_item_id'",
            "UNIQUE constraint failed: shipping_batch_items.open_item_id",
        ] {
            let error = refused(DatabaseErrorKind::UniqueViolation, message);
            let key = "shipping_batch_items_open_item_id";
            assert!(matches!(&error, StoreError::Conflict(it) if it == key), "{message}: {error:?}");
        }
    }

    #[test]
    fn a_version_that_became_null_is_a_conflict() {
        for message in ["Column 'version' cannot be null", "NOT NULL constraint failed: shipping_items.version"] {
            let error = refused(DatabaseErrorKind::NotNullViolation, message);
            assert!(matches!(error, StoreError::Conflict(_)), "{message}: {error:?}");
        }
    }

    #[test]
    fn any_lock_that_was_not_had_is_contention() {
        for message in [
            "Deadlock found when trying to get lock; try restarting transaction",
            "Lock wait timeout exceeded; try restarting transaction",
            "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set.",
            "database is locked",
            "database table is locked: shipping_items",
        ] {
            let error = refused(DatabaseErrorKind::Unknown, message);
            assert!(matches!(error, StoreError::Contended(_)), "{message}: {error:?}");
        }
    }

    #[test]
    fn a_broken_rule_of_the_schema_is_our_bug() {
        for kind in [DatabaseErrorKind::CheckViolation, DatabaseErrorKind::ForeignKeyViolation] {
            assert!(matches!(refused(kind, "constraint failed"), StoreError::Corrupt { .. }));
        }
        let of_mariadb = "CONSTRAINT `shipping_items_status_is_known` failed for `majestic`.`shipping_items`";
        assert!(matches!(refused(DatabaseErrorKind::Unknown, of_mariadb), StoreError::Corrupt { .. }));
    }

    #[test]
    fn everything_else_means_that_the_store_is_unavailable() {
        for message in ["Input/output error: connection reset by peer", "Server shutdown in progress"] {
            assert!(matches!(refused(DatabaseErrorKind::Unknown, message), StoreError::Unavailable(_)), "{message}");
        }
    }
}
