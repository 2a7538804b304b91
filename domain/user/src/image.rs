//! Pictures of users: where they are kept, and in which sizes.

use std::fmt;

use uuid::Uuid;

use crate::UserType;

/// The formats in which pictures are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// Photographs.
    Jpeg,
    /// Pictures with transparent parts.
    Png,
}

impl ImageFormat {
    /// Every format there is.
    pub const ALL: [Self; 2] = [Self::Jpeg, Self::Png];

    /// The end of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// The media type (IANA).
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    fn of_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.extension() == extension)
    }
}

/// The sizes in which a picture is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageSize {
    /// As large as it came.
    Original,
    /// At most 100 by 100 pixels, cropped to the centre.
    Small,
    /// At most 300 by 300 pixels, cropped to the centre.
    Medium,
}

impl ImageSize {
    /// Every size there is.
    pub const ALL: [Self; 3] = [Self::Original, Self::Small, Self::Medium];

    /// The length of each side in pixels; none for the original.
    pub const fn side(self) -> Option<u32> {
        match self {
            Self::Original => None,
            Self::Small => Some(100),
            Self::Medium => Some(300),
        }
    }
}

/// Where a picture is kept: `images/user/driver/<random>.jpg`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageKey(String);

/// A text that is no key of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an image key is images/user/<staff or driver>/<32 hexadecimal digits>.<jpg or png>")]
pub struct InvalidImageKey;

impl ImageKey {
    /// A place for a picture of somebody. `random` makes sure that nobody finds it by trying.
    pub fn new(user_type: UserType, random: Uuid, format: ImageFormat) -> Self {
        let owner = user_type.name().to_ascii_lowercase();
        Self(format!("images/user/{owner}/{}.{}", random.as_simple(), format.extension()))
    }

    /// Takes a key as it was kept.
    pub fn parse(raw: &str) -> Result<Self, InvalidImageKey> {
        let path = raw.strip_prefix("images/user/").ok_or(InvalidImageKey)?;
        let (owner, name) = path.split_once('/').ok_or(InvalidImageKey)?;
        let (random, extension) = name.split_once('.').ok_or(InvalidImageKey)?;
        let known = matches!(owner, "staff" | "driver")
            && random.len() == 32
            && random.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
            && ImageFormat::of_extension(extension).is_some();
        if known { Ok(Self(raw.to_owned())) } else { Err(InvalidImageKey) }
    }

    /// The key's text, which is that of the original's file.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file of one size: `images/user/driver/<random>.medium.jpg`.
    pub fn file(&self, size: ImageSize) -> String {
        let (stem, extension) = self.0.rsplit_once('.').unwrap_or((&self.0, ""));
        match size {
            ImageSize::Original => self.0.clone(),
            ImageSize::Small => format!("{stem}.small.{extension}"),
            ImageSize::Medium => format!("{stem}.medium.{extension}"),
        }
    }

    /// The format that its files have.
    pub fn format(&self) -> ImageFormat {
        let extension = self.0.rsplit_once('.').map_or("", |(_, extension)| extension);
        ImageFormat::of_extension(extension).unwrap_or(ImageFormat::Jpeg)
    }
}

impl fmt::Display for ImageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_a_file_for_each_size() {
        let key = ImageKey::new(UserType::Driver, Uuid::from_u128(7), ImageFormat::Png);

        let files = ImageSize::ALL.map(|size| key.file(size));

        let stem = "images/user/driver/00000000000000000000000000000007";
        assert_eq!(files, [format!("{stem}.png"), format!("{stem}.small.png"), format!("{stem}.medium.png")]);
        assert_eq!(key.to_string(), files[0], "the original is kept under the key itself");
        assert_eq!(ImageKey::parse(key.as_str()), Ok(key));
    }

    #[test]
    fn a_file_is_served_as_what_its_key_says_it_is() {
        for (format, media_type) in [(ImageFormat::Jpeg, "image/jpeg"), (ImageFormat::Png, "image/png")] {
            let key = ImageKey::new(UserType::Staff, Uuid::from_u128(7), format);

            assert_eq!((key.format(), key.format().media_type()), (format, media_type));
        }
    }

    #[test]
    fn all_sizes_but_the_original_are_bounded() {
        assert_eq!(ImageSize::ALL.map(ImageSize::side), [None, Some(100), Some(300)]);
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_no_key() {
        for raw in [
            "",
            "images/user/staff/../../etc/passwd",
            "images/user/boss/00000000000000000000000000000007.jpg",
            "images/user/staff/00000000000000000000000000000007.svg",
            "images/user/staff/0000000000000000000000000000000/.jpg",
            "/images/user/staff/00000000000000000000000000000007.jpg",
        ] {
            assert_eq!(ImageKey::parse(raw), Err(InvalidImageKey), "{raw}");
        }
    }
}
