//! Which changes the schema still lacks.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::migration::MigrationSource;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;

use super::{Backend, Connection, MIGRATIONS};
use crate::error::{is_missing_table, store_error};

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The names of changes that the database does not have. Without the table that remembers them, it has none.
pub(super) async fn pending(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    let applied = diesel::sql_query("SELECT version FROM __diesel_schema_migrations");
    let applied: BTreeSet<String> = match applied.load::<Applied>(connection).await {
        Ok(applied) => applied.into_iter().map(|it| it.version).collect(),
        Err(error) if is_missing_table(&error) => BTreeSet::new(),
        Err(error) => return Err(store_error(error)),
    };
    let known = MigrationSource::<Backend>::migrations(&MIGRATIONS).map_err(StoreError::unavailable)?;
    let mut pending: Vec<_> = known.iter().filter(|it| !applied.contains(&it.name().version().to_string())).collect();
    pending.sort_by_key(|it| it.name().version().to_string());
    Ok(pending.into_iter().map(|it| it.name().to_string()).collect())
}
