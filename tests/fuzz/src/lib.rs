//! What reads whatever anybody sends, as functions of bytes: `cargo xtask fuzz` looks for bytes that they cannot take.
//!
//! A target panics where a promise is broken, and knows more of them than that nothing panics: what is believed was
//! signed, what is read is written as it was read, what is refused says where. Each has its inputs in `corpus/<name>`;
//! whatever was found there is tried again by the ordinary tests.

mod access_tokens;
mod api;
mod api_keys;
mod cursors;
mod images;
mod origins;
mod phone_numbers;
mod requests;

/// Something that reads what anybody sends.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of the folder of its inputs.
    pub name: &'static str,
    /// Takes whatever it is; panics if a promise is broken.
    pub take: fn(&[u8]),
}

/// Every target there is.
pub const TARGETS: [Target; 7] = [
    Target { name: "access_tokens", take: access_tokens::take },
    Target { name: "api_keys", take: api_keys::take },
    Target { name: "cursors", take: cursors::take },
    Target { name: "images", take: images::take },
    Target { name: "origins", take: origins::take },
    Target { name: "phone_numbers", take: phone_numbers::take },
    Target { name: "requests", take: requests::take },
];

#[cfg(test)]
mod tests;
