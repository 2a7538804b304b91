//! Somebody changes what they tell of themselves.

use chrono::{NaiveDate, TimeDelta};
use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use user_domain::{CannotChangeUser, FullName, ImageKey, ProfileChange, UserId, UserType};

use crate::{ImageRefused, OWN_PROFILE, ProfileView, Users};

/// Files of a picture that no user has by then are removed: whoever wanted to have it did not get that far.
const CLAIM_WITHIN: TimeDelta = TimeDelta::hours(1);

/// What to change. What is absent stays as it is.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ChangeProfile {
    /// The name they go by, or none any more.
    pub full_name: Option<Option<FullName>>,
    /// When they were born, or that they no longer tell.
    pub date_of_birth: Option<Option<NaiveDate>>,
    /// A new picture as it was uploaded, or that they want none.
    pub image: Option<Option<Vec<u8>>>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum ChangeProfileError {
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Whoever asks is no user, or none any more.
    #[error("there is no such user")]
    UnknownUser,
    #[error(transparent)]
    Image(#[from] ImageRefused),
    #[error(transparent)]
    Refused(#[from] CannotChangeUser),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Users {
    /// Changes the profile of whoever asks, and shows it.
    ///
    /// The files of a new picture are there before anybody points to them, and those of the old one go after nobody does:
    /// both are noted as discarded in between, so that a crash leaves no file behind.
    pub async fn change_own_profile(
        &self,
        actor: &Actor,
        change: ChangeProfile,
    ) -> Result<ProfileView, ChangeProfileError> {
        actor.require(OWN_PROFILE)?;
        let id = UserId::new(actor.user_id().ok_or(ChangeProfileError::UnknownUser)?);
        let ChangeProfile { full_name, date_of_birth, image } = change;
        let image = match image {
            Some(Some(upload)) => Some(Some(self.keep_image(id, upload).await?)),
            Some(None) => Some(None),
            None => None,
        };
        let new_image = image.clone().flatten();
        let now = self.clock.now();

        let mut work = self.store.begin().await?;
        let mut user = work.users().find(id).await?.ok_or(ChangeProfileError::UnknownUser)?;
        let discarded = user.change_profile(ProfileChange { full_name, date_of_birth, image })?;
        work.users().save(&user).await?;
        if let Some(image) = new_image {
            work.discarded_images().remove(&[image]).await?;
        }
        if let Some(image) = discarded {
            work.discarded_images().add(&image, now).await?;
        }
        work.commit().await?;
        self.profiles(&[id]).await?.pop().ok_or(ChangeProfileError::UnknownUser)
    }

    /// Keeps a picture for somebody who does not have it yet.
    async fn keep_image(&self, id: UserId, upload: Vec<u8>) -> Result<ImageKey, ChangeProfileError> {
        let user_type = self.user_type(id).await?;
        let prepared = self.image_editor.prepare(upload).await?;
        let image = ImageKey::new(user_type, self.ids.secret(), prepared.format);

        let mut work = self.store.begin().await?;
        work.discarded_images().add(&image, self.clock.now() + CLAIM_WITHIN).await?;
        work.commit().await?;
        self.images.put(&image, prepared).await?;
        Ok(image)
    }

    async fn user_type(&self, id: UserId) -> Result<UserType, ChangeProfileError> {
        let profile = self.queries.profiles(&[id]).await?.pop().ok_or(ChangeProfileError::UnknownUser)?;
        Ok(profile.role.user_type())
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::{anyone, noon};
    use user_domain::{ImageFormat, User};

    use super::*;
    use crate::PreparedImage;
    use crate::testing::{World, a_profile, a_user};

    fn me() -> User {
        a_user(UserId::new(anyone().user_id().expect("a user")))
    }

    fn an_image(number: u128) -> ImageKey {
        ImageKey::new(UserType::Staff, uuid::Uuid::from_u128(number), ImageFormat::Jpeg)
    }

    fn an_upload() -> ChangeProfile {
        ChangeProfile { image: Some(Some(vec![1, 2, 3])), ..ChangeProfile::default() }
    }

    /// A world in which my picture is prepared; the first unit of work notes it, the second has me.
    fn world(user: &User) -> World {
        let mut world = World::with_user(user);
        std::mem::swap(&mut world.work, &mut world.second_work);
        let profile = a_profile(user);
        world.queries.expect_profiles().returning(move |_| Ok(vec![profile.clone()]));
        let prepared = PreparedImage { format: ImageFormat::Jpeg, files: Vec::new() };
        world.image_editor.expect_prepare().returning(move |_| Ok(prepared.clone()));
        world
    }

    #[tokio::test]
    async fn a_new_picture_is_noted_before_it_is_kept_and_claimed_with_the_change() {
        let mut user = me();
        let old = ProfileChange { image: Some(Some(an_image(77))), ..ProfileChange::default() };
        user.change_profile(old).expect("they may");
        let mut world = world(&user);
        let noted = |_: &ImageKey, due: &chrono::DateTime<chrono::Utc>| *due == noon() + CLAIM_WITHIN;
        world.work.discarded_images.expect_add().times(1).withf(noted).returning(|_, _| Ok(()));
        world.images.expect_put().times(1).returning(|_, _| Ok(()));
        world.images.expect_url().returning(|image, _| image.to_string());
        let shown = |user: &User| user.snapshot().profile.image.is_some_and(|it| it != an_image(77));
        world.second_work.users.expect_save().times(1).withf(shown).returning(|_| Ok(()));
        world.second_work.discarded_images.expect_remove().times(1).returning(|_| Ok(()));
        let old_goes = |image: &ImageKey, due: &chrono::DateTime<chrono::Utc>| *image == an_image(77) && *due == noon();
        world.second_work.discarded_images.expect_add().times(1).withf(old_goes).returning(|_, _| Ok(()));
        let (users, _) = world.commits();

        users.change_own_profile(&anyone(), an_upload()).await.expect("it is changed");
    }

    #[tokio::test]
    async fn a_picture_that_cannot_be_kept_changes_nothing() {
        let mut world = world(&me());
        world.work.discarded_images.expect_add().returning(|_, _| Ok(()));
        world.images.expect_put().returning(|_, _| Err(StoreError::unavailable("the bucket is gone")));
        world.second_work.users.expect_save().never();
        let (users, _) = world.commits();

        let refused = users.change_own_profile(&anyone(), an_upload()).await;

        assert!(matches!(refused, Err(ChangeProfileError::Store(_))));
    }

    #[tokio::test]
    async fn what_is_no_picture_is_kept_nowhere() {
        let mut world = World::default();
        let profile = a_profile(&me());
        world.queries.expect_profiles().returning(move |_| Ok(vec![profile.clone()]));
        world.image_editor.expect_prepare().returning(|_| Err(ImageRefused::NotAnImage));
        world.images.expect_put().never();
        let (users, committed) = world.commits();

        let refused = users.change_own_profile(&anyone(), an_upload()).await;

        assert!(matches!(refused, Err(ChangeProfileError::Image(ImageRefused::NotAnImage))));
        assert!(!committed.happened());
    }
}
