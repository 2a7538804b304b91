//! The files of pictures that nobody has any more are removed.

use kernel_domain::StoreError;

use crate::Users;

/// Pictures that are removed in one go.
const AT_ONCE: u32 = 100;

impl Users {
    /// Removes the files of pictures that were discarded, some of them at least; how many pictures. One whose files
    /// cannot be removed now is tried again.
    pub async fn remove_discarded_images(&self) -> Result<usize, StoreError> {
        let discarded = self.queries.discarded_images(self.clock.now(), AT_ONCE).await?;
        let mut removed = Vec::with_capacity(discarded.len());
        let mut failed = None;
        for image in discarded {
            match self.images.remove(&image).await {
                Ok(()) => removed.push(image),
                Err(error) => failed = Some(error),
            }
        }
        if !removed.is_empty() {
            let mut work = self.store.begin().await?;
            work.discarded_images().remove(&removed).await?;
            work.commit().await?;
        }
        match failed {
            Some(error) if removed.is_empty() => Err(error),
            _ => Ok(removed.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use user_domain::{ImageFormat, ImageKey, UserType};
    use uuid::Uuid;

    use super::*;
    use crate::testing::World;

    fn an_image(number: u128) -> ImageKey {
        ImageKey::new(UserType::Staff, Uuid::from_u128(number), ImageFormat::Jpeg)
    }

    #[tokio::test]
    async fn what_cannot_be_removed_now_is_kept_for_later() {
        let mut world = World::default();
        world.queries.expect_discarded_images().returning(|_, _| Ok(vec![an_image(1), an_image(2)]));
        world.images.expect_remove().withf(|it| *it == an_image(1)).returning(|_| Err(StoreError::unavailable("gone")));
        world.images.expect_remove().withf(|it| *it == an_image(2)).returning(|_| Ok(()));
        let forgotten = |images: &[ImageKey]| images == [an_image(2)];
        world.work.discarded_images.expect_remove().times(1).withf(forgotten).returning(|_| Ok(()));
        let (users, committed) = world.commits();

        assert_eq!(users.remove_discarded_images().await.expect("one of them is removed"), 1);
        assert!(committed.happened());
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_told() {
        let mut world = World::default();
        world.queries.expect_discarded_images().returning(|_, _| Ok(vec![an_image(1)]));
        world.images.expect_remove().returning(|_| Err(StoreError::unavailable("gone")));
        let (users, committed) = world.commits();

        assert!(users.remove_discarded_images().await.is_err());
        assert!(!committed.happened());
    }
}
