//! Where images are kept, said by a URL.

use std::path::PathBuf;

use url::Url;

/// Where images are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageUrl {
    /// `file:folder` or `file:///folder`, as it is written there: a folder that every instance shares.
    Folder(PathBuf),
    /// `s3://bucket?region=…&endpoint=…`
    Bucket(BucketUrl),
}

/// Why a URL leads to no storage. The URL itself is never repeated: it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidStorageUrl {
    /// It names no storage that we speak.
    #[error("the storage URL starts neither with file: nor with s3://")]
    Scheme,
    /// It names no folder of this machine.
    #[error("the storage URL names no folder of this machine: it is file:folder or file:///folder")]
    Folder,
    /// S3 has no bucket of that name.
    #[error("the storage URL names no bucket: its name has 3 to 63 lower-case letters, digits, dots and hyphens")]
    Bucket,
    /// It says more than a bucket.
    #[error("the storage URL has more than s3://bucket?region=…&endpoint=…, each of them once")]
    Parameter,
    /// It holds a password, where everybody who lists processes or configurations would see it.
    #[error("the storage URL holds credentials, which belong into variables of their own")]
    Credentials,
    /// Amazon's S3 has to be told the region.
    #[error(
        "the storage URL names no region, by lower-case letters, digits and hyphens, and no endpoint that has none"
    )]
    Region,
    /// There is no server at the endpoint.
    #[error("the endpoint of the storage URL is no http:// or https:// URL of a server")]
    Endpoint,
    /// It cannot be read.
    #[error("the storage URL is malformed: {0}")]
    Malformed(String),
}

impl StorageUrl {
    /// Reads a URL, and connects to nothing.
    pub fn parse(raw: &str) -> Result<Self, InvalidStorageUrl> {
        match raw.split_once(':') {
            Some(("file", path)) => folder(path).map(Self::Folder),
            Some(("s3", rest)) if rest.starts_with("//") => BucketUrl::parse(raw).map(Self::Bucket),
            _ => Err(InvalidStorageUrl::Scheme),
        }
    }

    /// Whether images travel through a network that anybody on it can read.
    pub fn is_in_clear(&self) -> bool {
        match self {
            Self::Folder(_) => false,
            Self::Bucket(bucket) => bucket.is_in_clear(),
        }
    }
}

fn folder(path: &str) -> Result<PathBuf, InvalidStorageUrl> {
    let path = match path.strip_prefix("//") {
        Some(path) if !path.starts_with('/') => return Err(InvalidStorageUrl::Folder),
        Some(path) => path,
        None => path,
    };
    let is_nowhere = path.chars().all(|it| it == '/');
    if is_nowhere || path.contains(['?', '#', '\0']) {
        return Err(InvalidStorageUrl::Folder);
    }
    Ok(path.into())
}

/// A bucket, and the server that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketUrl {
    pub(crate) bucket: String,
    pub(crate) region: String,
    /// None is Amazon.
    pub(crate) endpoint: Option<String>,
}

impl BucketUrl {
    /// What look-alikes of S3 that have no regions want to be signed.
    const NO_REGION: &str = "us-east-1";

    fn parse(raw: &str) -> Result<Self, InvalidStorageUrl> {
        let url = Url::parse(raw).map_err(|error| InvalidStorageUrl::Malformed(error.to_string()))?;
        if has_credentials(&url) {
            return Err(InvalidStorageUrl::Credentials);
        }
        let bucket = url.host_str().filter(|it| is_bucket(it)).ok_or(InvalidStorageUrl::Bucket)?;
        if url.port().is_some() || url.fragment().is_some() || !matches!(url.path(), "" | "/") {
            return Err(InvalidStorageUrl::Parameter);
        }
        let (mut region, mut endpoint) = (None, None);
        for (name, value) in url.query_pairs() {
            let place = match &*name {
                "region" => &mut region,
                "endpoint" => &mut endpoint,
                _ => return Err(InvalidStorageUrl::Parameter),
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(InvalidStorageUrl::Parameter);
            }
        }
        let endpoint = endpoint.map(|it| server(&it)).transpose()?;
        let region = region.or_else(|| endpoint.is_some().then(|| Self::NO_REGION.to_owned()));
        let region = region.filter(|it| is_region(it)).ok_or(InvalidStorageUrl::Region)?;
        Ok(Self { bucket: bucket.to_owned(), region, endpoint })
    }

    /// Whether images travel through a network that anybody on it can read.
    pub fn is_in_clear(&self) -> bool {
        self.endpoint.as_deref().is_some_and(|it| it.starts_with("http:"))
    }
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_bucket(name: &str) -> bool {
    let is_outer = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|it| is_outer(it) || matches!(it, b'.' | b'-'))
        && name.bytes().next().is_some_and(is_outer)
        && name.bytes().last().is_some_and(is_outer)
        && !name.contains("..")
}

/// It becomes a part of a host name.
fn is_region(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
}

fn server(raw: &str) -> Result<String, InvalidStorageUrl> {
    let url = Url::parse(raw).map_err(|_| InvalidStorageUrl::Endpoint)?;
    if has_credentials(&url) {
        return Err(InvalidStorageUrl::Credentials);
    }
    let is_server = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if is_server { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(InvalidStorageUrl::Endpoint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_as_it_is_written() {
        for (raw, path) in [
            ("file:var/media", "var/media"),
            ("file:../media", "../media"),
            ("file:/srv/media", "/srv/media"),
            ("file:///srv/my%20media", "/srv/my%20media"),
        ] {
            assert_eq!(StorageUrl::parse(raw), Ok(StorageUrl::Folder(path.into())), "{raw}");
        }
    }

    #[test]
    fn a_bucket_is_amazons_or_at_an_endpoint() {
        for (raw, region, endpoint) in [
            ("s3://my-bucket?region=eu-central-1", "eu-central-1", None),
            ("s3://my-bucket/?region=eu-central-1", "eu-central-1", None),
            ("s3://my-bucket?endpoint=http://127.0.0.1:9000", "us-east-1", Some("http://127.0.0.1:9000")),
            (
                "s3://my-bucket?region=auto&endpoint=https%3A%2F%2Fs3.example.com%2Fstorage%2F",
                "auto",
                Some("https://s3.example.com/storage"),
            ),
        ] {
            let url = BucketUrl {
                bucket: "my-bucket".into(),
                region: region.into(),
                endpoint: endpoint.map(ToOwned::to_owned),
            };
            assert_eq!(StorageUrl::parse(raw), Ok(StorageUrl::Bucket(url)), "{raw}");
        }
    }

    #[test]
    fn only_plain_http_is_in_the_clear() {
        let is_in_clear = |raw| StorageUrl::parse(raw).unwrap().is_in_clear();

        assert!(is_in_clear("s3://my-bucket?endpoint=HTTP://127.0.0.1"));
        assert!(!is_in_clear("s3://my-bucket?endpoint=https://127.0.0.1"));
        assert!(!is_in_clear("s3://my-bucket?region=eu-central-1"));
        assert!(!is_in_clear("file:var/media"));
    }

    fn refusal(raw: &str) -> InvalidStorageUrl {
        StorageUrl::parse(raw).unwrap_err()
    }

    #[test]
    fn anything_else_is_refused_by_what_is_wrong_with_it() {
        for raw in ["", "file", "var/media", "s3:bucket", "S3://bucket", "gs://bucket", "memory:", "C:\\media"] {
            assert_eq!(refusal(raw), InvalidStorageUrl::Scheme, "{raw}");
        }
        for raw in ["file:", "file:/", "file:///", "file://server/media", "file:media?x=1", "file:media#x"] {
            assert_eq!(refusal(raw), InvalidStorageUrl::Folder, "{raw}");
        }
        for name in
            ["ab", "Bucket", "my_bucket", "-bucket", "bucket-", "my..bucket", ".bucket", &"b".repeat(64), "b%2e"]
        {
            assert_eq!(refusal(&format!("s3://{name}?region=a")), InvalidStorageUrl::Bucket, "{name}");
        }
        for rest in [":80", "/folder", "?region=a&region=b", "?region=a&acl=public-read", "?region=a#x"] {
            assert_eq!(refusal(&format!("s3://bucket{rest}")), InvalidStorageUrl::Parameter, "{rest}");
        }
        for rest in ["", "?region=", "?region=evil.example/", "?region=EU"] {
            assert_eq!(refusal(&format!("s3://bucket{rest}")), InvalidStorageUrl::Region, "{rest}");
        }
        for endpoint in ["", "localhost:9000", "ftp://a", "http://", "http://a?b", "http://a%23b", "//a"] {
            assert_eq!(refusal(&format!("s3://bucket?endpoint={endpoint}")), InvalidStorageUrl::Endpoint, "{endpoint}");
        }
        assert!(matches!(refusal("s3://buck et"), InvalidStorageUrl::Malformed(_)));
    }

    #[test]
    fn a_password_is_refused_and_never_repeated() {
        for raw in ["s3://me:hunter2@bucket?region=a", "s3://bucket?endpoint=http://me:hunter2@localhost"] {
            assert_eq!(StorageUrl::parse(raw), Err(InvalidStorageUrl::Credentials), "{raw}");
        }
        for raw in ["s3://me:hunter2@buck et", "ftp://me:hunter2@a", "s3://bucket?secret=hunter2", "file://hunter2"] {
            assert!(!StorageUrl::parse(raw).unwrap_err().to_string().contains("hunter2"), "{raw}");
        }
    }
}
