//! Shipping's read side: rows straight to views.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel_application::{Direction, Page, PageRequest};
use kernel_domain::StoreError;
use shipping_application::{
    BatchFilter, BatchOrder, BatchSummary, ItemFilter, ItemOrder, ItemView, PastBatch, ShippingQueries,
    TransportFilter, TransportOrder, TransportSummary,
};
use shipping_domain::{Alias, BatchId, CenterCode, ItemId, TrackingNumber, TransportId};

use super::super::Stores;
use super::{batch_views, item_views, transport_views};

#[async_trait]
impl ShippingQueries for Stores {
    async fn item(&self, tracking_number: &TrackingNumber) -> Result<Option<ItemView>, StoreError> {
        item_views::one(self.reader().await?.connection(), tracking_number).await
    }

    async fn histories(&self, items: &[ItemId]) -> Result<HashMap<ItemId, Vec<PastBatch>>, StoreError> {
        item_views::histories(self.reader().await?.connection(), items).await
    }

    async fn items(
        &self,
        filter: &ItemFilter,
        order: &[(ItemOrder, Direction)],
        page: PageRequest,
    ) -> Result<Option<Page<ItemView>>, StoreError> {
        item_views::page(self.lister().await?.connection(), self.lengths(), filter, order, page).await
    }

    async fn batch(&self, alias: &Alias) -> Result<Option<BatchSummary>, StoreError> {
        batch_views::named(self.reader().await?.connection(), alias).await
    }

    async fn batches_by_id(&self, batches: &[BatchId]) -> Result<Vec<BatchSummary>, StoreError> {
        batch_views::by_id(self.reader().await?.connection(), batches).await
    }

    async fn batches(
        &self,
        filter: &BatchFilter,
        order: &[(BatchOrder, Direction)],
        page: PageRequest,
    ) -> Result<Option<Page<BatchSummary>>, StoreError> {
        batch_views::page(self.lister().await?.connection(), self.lengths(), filter, order, page).await
    }

    async fn transport(&self, id: TransportId) -> Result<Option<TransportSummary>, StoreError> {
        transport_views::one(self.reader().await?.connection(), id).await
    }

    async fn is_center_used(&self, center: &CenterCode) -> Result<bool, StoreError> {
        transport_views::is_center_used(self.reader().await?.connection(), center).await
    }

    async fn transports(
        &self,
        filter: &TransportFilter,
        order: &[(TransportOrder, Direction)],
        page: PageRequest,
    ) -> Result<Option<Page<TransportSummary>>, StoreError> {
        transport_views::page(self.lister().await?.connection(), self.lengths(), filter, order, page).await
    }
}
