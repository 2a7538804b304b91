//! Pictures: `multipart/form-data`, bounded in every direction.

use futures_util::{future, stream};
use poem::http::StatusCode;
use poem::test::TestResponse;
use user_application::{ImageRefused, MAX_IMAGE_BYTES, PreparedImage};
use user_domain::{FullName, ImageFormat, Role, UserSnapshot};

use super::super::contexts::{Served, as_staff, serving};
use super::super::{faults_of, refusal, refusals_of};
use super::{knowing, me};
use crate::HttpSettings;
use crate::body::LIMIT;

const PROFILE: &str = "/api/v1/user/users/self/profile/";
const BOUNDARY: &str = "----a-boundary";

/// A part: what its disposition says, and what it holds.
type Part<'a> = (&'a str, &'a [u8]);

fn multipart(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (disposition, content) in parts {
        body.extend_from_slice(format!("--{BOUNDARY}\r\ncontent-disposition: form-data; {disposition}\r\n").as_bytes());
        body.extend_from_slice(b"content-type: application/octet-stream\r\n\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn patch(served: Served, content_type: &str, body: impl Into<poem::Body>) -> TestResponse {
    let client = serving(served, HttpSettings::default());
    as_staff(client.patch(PROFILE)).content_type(content_type).body(body.into()).send().await
}

async fn upload(served: Served, parts: &[Part<'_>]) -> TestResponse {
    patch(served, &format!("Multipart/Form-Data; boundary=\"{BOUNDARY}\""), multipart(parts)).await
}

/// A world in which my profile is changed into what `expected` is asked of.
fn changing(expected: impl Fn(UserSnapshot) -> bool + Send + 'static) -> Served {
    let mut served = knowing(&me(Role::Driver { date_of_birth: None }));
    served.users.work.users.expect_save().times(1).withf(move |it| expected(it.snapshot())).returning(|_| Ok(()));
    served
}

/// A world in which a picture with these bytes becomes mine.
fn drawing(expected: &'static [u8]) -> Served {
    let mut served = changing(|it| it.profile.image.is_some() && it.profile.full_name.is_some());
    let users = &mut served.users;
    std::mem::swap(&mut users.work, &mut users.second_work);
    let prepared = PreparedImage { format: ImageFormat::Jpeg, files: Vec::new() };
    users
        .image_editor
        .expect_prepare()
        .times(1)
        .withf(move |it| it == expected)
        .returning(move |_| Ok(prepared.clone()));
    users.work.discarded_images.expect_add().returning(|_, _| Ok(()));
    users.images.expect_put().times(1).returning(|_, _| Ok(()));
    users.second_work.discarded_images.expect_remove().returning(|_| Ok(()));
    served
}

#[tokio::test]
async fn a_picture_comes_as_it_is_beside_other_fields() {
    let content = b"\x89PNG\r\n\r\n\r\n------a-boundar\r\n--\0\xff";
    let parts: [Part<'_>; 4] = [
        ("name=\"fullname\"", "김민수".as_bytes()),
        ("name=\"image\"; filename=\"../../etc/passwd\"", content),
        ("name=\"unknown\"", b"1"),
        ("name=\"other\"; filename=\"a.txt\"", b"1"),
    ];

    upload(drawing(content), &parts).await.assert_status_is_ok();
}

#[tokio::test]
async fn without_a_file_it_is_a_form_like_any_other() {
    let born = |it: &UserSnapshot| matches!(it.role, Role::Driver { date_of_birth: Some(_) });
    let named = move |it: UserSnapshot| it.profile.full_name.as_ref().map(FullName::as_str) == Some("Lee") && born(&it);
    let parts: [Part<'_>; 4] = [
        ("name=\"fullname\"", b"Kim"),
        ("name=\"fullname\"", b" Lee "),
        ("name=\"dob\"", b"1990-02-28"),
        // What a browser sends if no file was chosen.
        ("name=\"image\"; filename=\"\"", b""),
    ];

    upload(changing(named), &parts).await.assert_status_is_ok();
    upload(changing(|it| it.profile.image.is_none()), &[("name=\"image\"", b"")]).await.assert_status_is_ok();
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let long = "x".repeat(33);
    let parts: [Part<'_>; 3] = [
        ("name=\"fullname\"", long.as_bytes()),
        ("name=\"dob\"; filename=\"dob.txt\"", b"1990-02-28"),
        ("name=\"image\"; filename=\"me.png\"", b""),
    ];

    let response = upload(Served::default(), &parts).await;

    let expected = [refusal("fullname", "max_length"), refusal("dob", "invalid"), refusal("image", "empty")];
    assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, expected);
}

#[tokio::test]
async fn a_picture_is_a_file_and_not_a_text() {
    let response = upload(Served::default(), &[("name=\"image\"", b"null")]).await;

    assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("image", "invalid")]);
}

#[tokio::test]
async fn a_picture_that_is_not_taken_is_refused_with_a_code() {
    type Refused = (fn() -> ImageRefused, StatusCode, &'static str, &'static str);
    let refused: [Refused; 3] = [
        (|| ImageRefused::NotAnImage, StatusCode::BAD_REQUEST, "image", "invalid_image"),
        (|| ImageRefused::TooManyPixels, StatusCode::BAD_REQUEST, "image", "image_too_large"),
        (
            || ImageRefused::Store(kernel_domain::StoreError::unavailable("too many wait")),
            StatusCode::SERVICE_UNAVAILABLE,
            "",
            "unavailable",
        ),
    ];
    for (error, status, field, code) in refused {
        let mut served = knowing(&me(Role::Staff { groups: vec![] }));
        served.users.image_editor.expect_prepare().returning(move |_| Err(error()));
        let response = upload(served, &[("name=\"image\"; filename=\"me.svg\"", b"<svg/>")]).await;
        assert_eq!(refusals_of(response, status).await, [refusal(field, code)]);
    }
}

#[tokio::test]
async fn a_file_may_be_as_large_as_its_limit_and_everything_else_as_large_as_any_body() {
    let mut served = knowing(&me(Role::Staff { groups: vec![] }));
    served.users.image_editor.expect_prepare().times(1).returning(|it| {
        assert_eq!(it.len(), MAX_IMAGE_BYTES);
        Err(ImageRefused::NotAnImage)
    });
    let file = vec![0; MAX_IMAGE_BYTES + 1];
    let image = "name=\"image\"; filename=\"me.png\"";
    let fits = upload(served, &[(image, &file[1..])]).await;
    assert_eq!(refusals_of(fits, StatusCode::BAD_REQUEST).await, [refusal("image", "invalid_image")]);

    let text = vec![b'x'; LIMIT / 2 + 1];
    let texts: [Part<'_>; 2] = [("name=\"fullname\"", &text), ("name=\"unknown\"", &text)];
    let too_large: [&[Part<'_>]; 3] =
        [&[(image, &file)], &texts, &[(image, &file[1..]), ("name=\"other\"", &text), ("name=\"x\"", &text)]];
    for parts in too_large {
        let response = upload(Served::default(), parts).await;
        assert_eq!(refusals_of(response, StatusCode::PAYLOAD_TOO_LARGE).await, [refusal("", "request_too_large")]);
    }
}

#[tokio::test]
async fn an_upload_without_end_is_cut_off() {
    let start = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n");
    let chunks = std::iter::once(start.into_bytes()).chain(std::iter::repeat_with(|| vec![b' '; 256 * 1024]));
    let endless = poem::Body::from_bytes_stream(stream::iter(chunks.map(Ok::<_, std::io::Error>)));

    let response = patch(Served::default(), &format!("multipart/form-data; boundary={BOUNDARY}"), endless).await;

    response.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_does_not_arrive_is_not_waited_for() {
    let silence = poem::Body::from_bytes_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());

    let response = patch(Served::default(), &format!("multipart/form-data; boundary={BOUNDARY}"), silence).await;

    response.assert_status(StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn no_more_uploads_are_in_memory_than_fit() {
    let client = serving(Served::default(), HttpSettings::default());
    let silence = || poem::Body::from_bytes_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let uploads = std::iter::repeat_with(|| {
        let request = as_staff(client.patch(PROFILE)).content_type(format!("multipart/form-data; boundary={BOUNDARY}"));
        request.body(silence()).send()
    });

    let answers = future::join_all(uploads.take(5)).await;

    let mut statuses: Vec<u16> = answers.iter().map(|it| it.0.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [408, 408, 408, 408, 503]);
}

#[tokio::test]
async fn what_is_no_multipart_body_is_a_parse_error() {
    let good = multipart(&[("name=\"fullname\"", b"Kim")]);
    let headers_without_end = [format!("--{BOUNDARY}\r\n").into_bytes(), vec![b'a'; 1024 * 1024]].concat();
    let too_many: Vec<Part<'_>> = vec![("name=\"fullname\"", b"Kim"); 65];
    let with_boundary = format!("multipart/form-data; boundary={BOUNDARY}");
    for (content_type, body) in [
        ("multipart/form-data", good.clone()),
        ("multipart/form-data; boundary=", good.clone()),
        ("multipart/form-data; boundary=another", good.clone()),
        (with_boundary.as_str(), vec![]),
        (with_boundary.as_str(), good[..good.len() - 6].to_vec()),
        (with_boundary.as_str(), b"\xff\xfe nonsense".to_vec()),
        (with_boundary.as_str(), headers_without_end),
        (with_boundary.as_str(), multipart(&too_many)),
    ] {
        let shown: String = String::from_utf8_lossy(&body).chars().take(80).collect();
        let response = patch(Served::default(), content_type, body).await;
        response.assert_status(StatusCode::BAD_REQUEST);
        let (field, code, message) = faults_of(response).await.remove(0);
        assert_eq!((field.as_str(), code.as_str()), ("", "parse_error"), "{content_type} {shown}");
        assert!(message.starts_with("Multipart form parse error - ") && message.len() < 100, "{message}");
    }
}

#[tokio::test]
async fn sixty_four_parts_are_not_too_many() {
    let parts: Vec<Part<'_>> = vec![("name=\"fullname\"", b"Kim"); 64];

    upload(changing(|it| it.profile.full_name.is_some()), &parts).await.assert_status_is_ok();
}

#[tokio::test]
async fn a_packed_upload_or_one_in_another_language_is_not_read() {
    let client = serving(Served::default(), HttpSettings::default());
    let packed = as_staff(client.patch(PROFILE)).header("content-encoding", "gzip");
    let packed = packed.content_type(format!("multipart/form-data; boundary={BOUNDARY}")).body("x").send().await;
    packed.assert_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);

    let mixed = patch(Served::default(), &format!("multipart/mixed; boundary={BOUNDARY}"), multipart(&[])).await;
    mixed.assert_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn odd_bytes_in_a_text_are_replaced_and_never_a_server_error() {
    let odd = |it: UserSnapshot| it.profile.full_name.is_some_and(|it| it.as_str() == "K\u{fffd}m");

    upload(changing(odd), &[("name=\"fullname\"", b"K\xffm"), ("name=\"\"", b"x"), ("nothing", b"x")])
        .await
        .assert_status_is_ok();
}
