//! Numbers whose owners may sign up as staff.

use async_trait::async_trait;
use auth_domain::{AllowedNumber, AllowedNumberRepository, PhoneNumber};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_domain::StoreError;

use super::super::record::{self, Binds, Record, record};
use super::Work;
use crate::error::store_error;
use crate::schema::auth_allowed_numbers;

struct AllowedNumberRow {
    phone_number: String,
    description: String,
}

record!(AllowedNumberRow in auth_allowed_numbers { phone_number; description });

#[async_trait]
impl AllowedNumberRepository for Work {
    async fn save(&mut self, number: &AllowedNumber) -> Result<(), StoreError> {
        let row = AllowedNumberRow {
            phone_number: number.phone_number.as_str().to_owned(),
            description: number.description.as_str().to_owned(),
        };
        record::overwrite(self.unit.connection()?, &[row]).await.map_err(store_error)
    }

    async fn remove(&mut self, number: &PhoneNumber) -> Result<bool, StoreError> {
        let removed = diesel::delete(auth_allowed_numbers::table.find(number.as_str()));
        Ok(removed.execute(self.unit.connection()?).await.map_err(store_error)? > 0)
    }
}
