//! A link to a picture in a bucket is good for five minutes, for that picture, and for nothing else.
//!
//! The stand-in for S3 believes any signature. So what a bucket looks at is looked at here: Signature Version 4 in a query, as
//! Amazon describes it.

#![expect(clippy::unwrap_used, reason = "a link that is none fails the test")]

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use storage_adapter::{AccessKeys, Bucket, Credentials, StorageUrl};
use url::Url;
use user_application::ImageStore;
use user_domain::{ImageKey, ImageSize};

const SECRET: &str = "hunter2/hunter2+hunter2";

async fn a_link() -> String {
    let Ok(StorageUrl::Bucket(url)) = StorageUrl::parse("s3://pictures?region=eu-central-1") else {
        unreachable!("it is a bucket")
    };
    let bucket = Bucket::open(&url, Credentials::Keys(AccessKeys::new("AKIATEST", SECRET, None))).await.unwrap();
    let image = ImageKey::parse(&format!("images/user/driver/{:032x}.png", 7)).unwrap();
    bucket.url(&image, ImageSize::Medium)
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect::<Vec<_>>().concat()
}

/// Whether a bucket serves what the link leads to.
fn opens(link: &str, at: DateTime<Utc>) -> bool {
    let link = Url::parse(link).unwrap();
    let mut signed: Vec<&str> = link.query().unwrap().split('&').collect();
    signed.sort_unstable();
    let told = |name: &str| link.query_pairs().find(|(it, _)| it == name).unwrap().1.into_owned();
    signed.retain(|it| !it.starts_with("X-Amz-Signature="));

    let (stamp, credential) = (told("X-Amz-Date"), told("X-Amz-Credential"));
    let (_, scope) = credential.split_once('/').unwrap();
    let (query, host) = (signed.join("&"), link.host_str().unwrap());
    let request = format!("GET\n{}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD", link.path());
    let digest = hexadecimal(&Sha256::digest(request.as_bytes()));
    let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part));
    let signature = hexadecimal(&mac(&key, &format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}")));

    let since = NaiveDateTime::parse_from_str(&stamp, "%Y%m%dT%H%M%SZ").unwrap().and_utc();
    let until = since + TimeDelta::seconds(told("X-Amz-Expires").parse().unwrap());
    signature == told("X-Amz-Signature") && at < until
}

#[tokio::test]
async fn a_link_is_over_after_five_minutes_and_nobody_prolongs_it_or_turns_it_elsewhere() {
    #[expect(clippy::disallowed_methods, reason = "links are signed by the real time")]
    let now = Utc::now();
    let link = a_link().await;

    assert!(opens(&link, now) && opens(&link, now + TimeDelta::seconds(299)), "{link}");
    // It may have been signed a moment later, in the next second or so.
    assert!(!opens(&link, now + TimeDelta::seconds(330)), "{link}");
    for (part, other) in [("X-Amz-Expires=300", "X-Amz-Expires=604800"), (".png", ".gif"), ("/driver/", "/staff/")] {
        let turned = link.replace(part, other);
        assert_ne!(turned, link, "{part}");
        assert!(!opens(&turned, now), "{turned}");
    }
    let tomorrow = (now + TimeDelta::days(1)).format("X-Amz-Date=%Y%m%d").to_string();
    let later = link.replace(&now.format("X-Amz-Date=%Y%m%d").to_string(), &tomorrow);
    assert!(!opens(&later, now), "{later}");
}
