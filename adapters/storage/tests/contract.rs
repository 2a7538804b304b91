//! What every store of images promises, and what each of them promises besides.
//!
//! `TEST_S3_ENDPOINT` names a running server of moto: `http://127.0.0.1:5000`. Without it the tests of a bucket leave
//! themselves out, except in CI, where that fails.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot have what it needs fails")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kernel_domain::StoreError;
use storage_adapter::{AccessKeys, Bucket, BucketUrl, Credentials, Files, StorageUrl};
use tempfile::TempDir;
use user_application::{ImageStore, PreparedImage};
use user_domain::{ImageFormat, ImageKey, ImageSize};

const SECRET: &str = "hunter2/hunter2+hunter2";

/// Three seconds for S3, and one for a busy machine.
const S3_IS_DOWN: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_folder_keeps_the_promises_of_a_store() {
    let (_folder, files) = files().await;

    keeps_its_promises(&files, async |url| {
        let path = url.strip_prefix("/media/").expect("a link from the root");
        files.read(path).await.unwrap().map(|it| (it.media_type.to_owned(), it.bytes))
    })
    .await;
}

#[tokio::test]
async fn a_bucket_keeps_the_promises_of_a_store() {
    let Some(bucket) = bucket().await else { return };

    keeps_its_promises(&bucket, async |url| {
        let answer = reqwest::get(url).await.unwrap();
        if answer.status() == 404 {
            return None;
        }
        assert_eq!(answer.status(), 200);
        let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        Some((media_type, answer.bytes().await.unwrap().to_vec()))
    })
    .await;
}

/// The contract: `fetch` follows a link, as a client does.
async fn keeps_its_promises(store: &dyn ImageStore, fetch: impl AsyncFn(String) -> Option<(String, Vec<u8>)>) {
    for format in ImageFormat::ALL {
        let (image, other) = (key(1, format), key(2, format));
        let fetch_all = async |image: &ImageKey| {
            let mut fetched = Vec::new();
            for size in ImageSize::ALL {
                fetched.push(fetch(store.url(image, size)).await);
            }
            fetched
        };
        let as_put = |name: &str| {
            ImageSize::ALL.map(|size| Some((format.media_type().to_owned(), content(name, size)))).to_vec()
        };
        let nothing = vec![None; ImageSize::ALL.len()];

        // Nothing is there before it is put.
        assert_eq!(fetch_all(&image).await, nothing);

        // Every size can be fetched as what it is.
        store.put(&image, prepared("one", format)).await.unwrap();
        store.put(&other, prepared("other", format)).await.unwrap();
        assert_eq!(fetch_all(&image).await, as_put("one"));

        // The last one counts.
        store.put(&image, prepared("two", format)).await.unwrap();
        assert_eq!(fetch_all(&image).await, as_put("two"));

        // Every size goes, and nothing else; a second time is no error.
        store.remove(&image).await.unwrap();
        assert_eq!(fetch_all(&image).await, nothing);
        store.remove(&image).await.unwrap();
        assert_eq!(fetch_all(&other).await, as_put("other"));

        // What was put in part is removed in part.
        let half = PreparedImage { format, files: vec![(ImageSize::Small, b"half".to_vec())] };
        store.put(&image, half).await.unwrap();
        store.remove(&image).await.unwrap();
        assert_eq!(fetch_all(&image).await, nothing);
        store.remove(&other).await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_is_created_and_checked() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("var/media");

    let files = Files::open(&path, "https://example.com/").await.unwrap();

    files.check().await.unwrap();
    let url = files.url(&key(1, ImageFormat::Png), ImageSize::Medium);
    assert_eq!(url, "https://example.com/media/images/user/driver/00000000000000000000000000000001.medium.png");
    std::fs::remove_dir_all(&path).unwrap();
    std::fs::write(&path, "no folder any more").unwrap();
    assert!(matches!(files.check().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_folder_hands_out_nothing_but_pictures() {
    let (folder, files) = files().await;
    let image = key(1, ImageFormat::Jpeg);
    files.put(&image, prepared("one", ImageFormat::Jpeg)).await.unwrap();
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    std::fs::write(folder.path().join("secret.jpg"), "secret").unwrap();
    std::fs::write(folder.path().join("images/user/driver/secret.jpg"), "secret").unwrap();
    let stem = "images/user/driver/00000000000000000000000000000001";

    for path in [
        "",
        "/",
        ".",
        "..",
        "secret",
        "secret.jpg",
        "images",
        "images/user/driver/",
        "images/user/driver/secret.jpg",
        "images/user/driver/../driver/00000000000000000000000000000001.jpg",
        "images/user/driver/..%2f..%2f..%2fsecret",
        "../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        &format!("/{stem}.jpg"),
        &format!("{stem}.jpg/"),
        &format!("{stem}.jpg\0"),
        &format!("{stem}.JPG"),
        &format!("{stem}.png"),
        &format!("{stem}.large.jpg"),
        &format!("{stem}.small.medium.jpg"),
        &format!("{stem}..jpg"),
        &format!("{stem}.small.html.jpg"),
        &format!("{stem}%2ejpg"),
        &format!("{stem}.jpg%00.html"),
        &format!("images//user/driver/{}.jpg", &stem[19..]),
    ] {
        assert!(files.read(path).await.unwrap().is_none(), "{path}");
    }
    for size in ImageSize::ALL {
        assert!(files.read(&image.file(size)).await.unwrap().is_some_and(|it| it.media_type == "image/jpeg"));
    }
}

#[tokio::test]
async fn a_bucket_is_checked() {
    let Some(bucket) = bucket().await else { return };
    let endpoint = given("TEST_S3_ENDPOINT").unwrap();
    let nowhere = open(&format!("s3://there-is-no-such-bucket?endpoint={endpoint}")).await;

    bucket.check().await.unwrap();

    let error = nowhere.check().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(chain(&error).contains("NoSuchBucket"), "{}", chain(&error));
}

#[tokio::test]
async fn an_image_in_a_bucket_is_fetched_with_a_link_and_not_without() {
    let Some(bucket) = bucket().await else { return };
    let image = key(7, ImageFormat::Png);
    bucket.put(&image, prepared("one", ImageFormat::Png)).await.unwrap();

    let link = bucket.url(&image, ImageSize::Original);
    let (bare, query) = link.split_once('?').unwrap();

    let fetched = reqwest::get(&link).await.unwrap();
    assert_eq!(fetched.status(), 200);
    assert_eq!(fetched.headers()["content-type"], "image/png");
    assert_eq!(fetched.headers()["content-disposition"], "inline");
    assert_eq!(fetched.headers()["cache-control"], "private");
    assert_eq!(reqwest::get(bare).await.unwrap().status(), 403);
    for part in
        ["X-Amz-Expires=300", "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Signature=", "X-Amz-SignedHeaders=host"]
    {
        assert!(query.contains(part), "{part} in {query}");
    }
    assert!(!link.contains(SECRET) && !link.contains("hunter2"));
    bucket.remove(&image).await.unwrap();
}

#[tokio::test]
async fn a_link_is_signed_without_asking_anybody() {
    let nobody = open("s3://nobody?endpoint=http://127.0.0.1:1").await;
    let image = key(1, ImageFormat::Jpeg);

    let (original, small) = (nobody.url(&image, ImageSize::Original), nobody.url(&image, ImageSize::Small));

    assert!(original.starts_with("http://127.0.0.1:1/nobody/images/user/driver/"), "{original}");
    let signature = |link: &str| link.split_once("X-Amz-Signature=").unwrap().1[..64].to_owned();
    assert_ne!(signature(&original), signature(&small));
}

#[tokio::test]
async fn a_bucket_of_amazon_is_at_amazon() {
    for (url, start) in [
        ("s3://my-bucket?region=eu-central-1", "https://my-bucket.s3.eu-central-1.amazonaws.com/images/user/"),
        ("s3://my.bucket?region=eu-central-1", "https://s3.eu-central-1.amazonaws.com/my.bucket/images/user/"),
    ] {
        let link = open(url).await.url(&key(1, ImageFormat::Jpeg), ImageSize::Original);

        assert!(link.starts_with(start), "{link}");
    }
}

#[tokio::test]
async fn a_session_token_is_a_part_of_the_link() {
    let keys = AccessKeys::new("AKIATEST", SECRET, Some("a-session".into()));

    let bucket = Bucket::open(&url("s3://my-bucket?region=eu-central-1"), Credentials::Keys(keys)).await.unwrap();

    let link = bucket.url(&key(1, ImageFormat::Jpeg), ImageSize::Original);
    assert!(link.contains("X-Amz-Security-Token=a-session"), "{link}");
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_unavailable_in_time() {
    // It takes connections and says nothing.
    let black_hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let bucket = open(&format!("s3://my-bucket?endpoint=http://{}", black_hole.local_addr().unwrap())).await;
    let image = key(1, ImageFormat::Jpeg);
    let start = Instant::now();

    let (put, removed, checked) =
        tokio::join!(bucket.put(&image, prepared("one", ImageFormat::Jpeg)), bucket.remove(&image), bucket.check());

    for outcome in [put, removed, checked] {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    assert!(start.elapsed() < S3_IS_DOWN, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_bucket_that_sends_us_elsewhere_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = elsewhere.local_addr().unwrap();
    let bucket = open(&format!("s3://my-bucket?endpoint={}", redirecting_to(&format!("http://{location}/")))).await;
    let image = key(1, ImageFormat::Jpeg);

    let outcomes = [
        bucket.put(&image, prepared("one", ImageFormat::Jpeg)).await,
        bucket.remove(&image).await,
        bucket.check().await,
    ];

    for outcome in outcomes {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    assert!(elsewhere.accept().is_err_and(|it| it.kind() == std::io::ErrorKind::WouldBlock), "it was followed");
}

#[tokio::test]
async fn a_role_that_cannot_be_had_is_unavailable_in_time() {
    let start = Instant::now();

    let opened = Bucket::open(&url("s3://my-bucket?region=eu-central-1"), Credentials::Task("/none".into())).await;

    assert!(matches!(opened, Err(StoreError::Unavailable(_))));
    assert!(start.elapsed() < S3_IS_DOWN, "{:?}", start.elapsed());
}

#[tokio::test]
async fn no_secret_is_ever_shown() {
    let keys = AccessKeys::new("AKIATEST", SECRET, Some(SECRET.into()));
    let credentials = Credentials::Keys(keys);
    let bucket = Bucket::open(&url("s3://my-bucket?endpoint=http://127.0.0.1:1"), credentials.clone()).await.unwrap();

    let refused = bucket.check().await.unwrap_err();

    for shown in [format!("{credentials:?}"), format!("{refused:?}"), chain(&refused)] {
        assert!(!shown.contains("hunter2") && !shown.contains("AKIATEST"), "{shown}");
    }
}

#[tokio::test]
async fn what_a_bucket_quotes_in_a_refusal_is_not_repeated() {
    let quoting = answering(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 91\r\nconnection: close\r\n\r\n\
        <Error><Code>SignatureDoesNotMatch</Code><StringToSign>token hunter2</StringToSign></Error>",
    );
    let bucket = open(&format!("s3://my-bucket?endpoint={quoting}")).await;

    let refused = bucket.check().await.unwrap_err();

    assert!(chain(&refused).contains("SignatureDoesNotMatch"), "{}", chain(&refused));
    assert!(!chain(&refused).contains("hunter2") && !format!("{refused:?}").contains("hunter2"), "{refused:?}");
}

async fn files() -> (TempDir, Files) {
    let folder = TempDir::new().unwrap();
    let files = Files::open(folder.path(), "").await.unwrap();
    (folder, files)
}

/// A bucket of its own for one test, private as buckets are.
async fn bucket() -> Option<Bucket> {
    static BUCKETS: AtomicUsize = AtomicUsize::new(0);
    let endpoint = given("TEST_S3_ENDPOINT").or_else(|| left_out("TEST_S3_ENDPOINT names no S3 server"))?;
    let name = format!("test-{}-{}", std::process::id(), BUCKETS.fetch_add(1, Ordering::Relaxed));
    let bucket = open(&format!("s3://{name}?endpoint={endpoint}")).await;
    let created = reqwest::Client::new().put(format!("{endpoint}/{name}")).send().await.unwrap();
    assert_eq!(created.status(), 200);
    Some(bucket)
}

async fn open(raw: &str) -> Bucket {
    Bucket::open(&url(raw), Credentials::Keys(AccessKeys::new("AKIATEST", SECRET, None))).await.unwrap()
}

fn url(raw: &str) -> BucketUrl {
    match StorageUrl::parse(raw) {
        Ok(StorageUrl::Bucket(url)) => url,
        other => panic!("{other:?}"),
    }
}

fn key(number: u128, format: ImageFormat) -> ImageKey {
    ImageKey::parse(&format!("images/user/driver/{number:032x}.{}", format.extension())).unwrap()
}

fn prepared(name: &str, format: ImageFormat) -> PreparedImage {
    PreparedImage { format, files: ImageSize::ALL.map(|size| (size, content(name, size))).to_vec() }
}

fn content(name: &str, size: ImageSize) -> Vec<u8> {
    format!("{name} {size:?}").into_bytes()
}

/// Everything that a log would say.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |it| it.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn redirecting_to(location: &str) -> String {
    answering(&format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    ))
}

/// A server that gives everybody the same answer, and its URL.
fn answering(answer: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.to_owned();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut request = [0; 16 * 1024];
            let _ = connection.read(&mut request);
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    url
}

#[expect(clippy::disallowed_methods, reason = "these variables speak to the tests, not to the product")]
fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|it| !it.is_empty())
}

#[expect(clippy::print_stderr, reason = "a test that leaves itself out says so")]
fn left_out<T>(why: &str) -> Option<T> {
    assert!(given("CI").is_none_or(|ci| ci != "true"), "left out: {why}, and CI may leave nothing out");
    eprintln!("left out: {why}");
    None
}
