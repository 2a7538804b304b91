//! Whom to believe that a server is who it says: by default the public authorities, or one of one's own.

use std::fmt::Display;
use std::path::PathBuf;

use mysql_async::{Opts, OptsBuilder};
use url::Url;

use crate::InvalidDatabase;

/// The parameter that names the certificates of whoever may sign the server's, as a PEM file. The driver itself has none.
const AUTHORITY: &str = "ssl_ca";

/// How such a file begins each of them (RFC 7468).
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// Fails if there is anything wrong with the URL, or if it names a file that holds no certificate. Reads that file, and blocks
/// meanwhile.
pub(super) fn check(url: &str) -> Result<(), InvalidDatabase> {
    let (_, Some(authority)) = parsed(url)? else { return Ok(()) };
    let wrong = |why: &dyn Display| InvalidDatabase::Malformed(format!("{AUTHORITY}: {}: {why}", authority.display()));
    let certificates = std::fs::read(&authority).map_err(|why| wrong(&why))?;
    let is_one = String::from_utf8_lossy(&certificates).lines().any(|line| line.trim_end() == CERTIFICATE);
    if is_one { Ok(()) } else { Err(wrong(&"it holds no certificate in PEM")) }
}

/// How to connect if the URL names an authority: by TLS, and believing nobody else. `None` if it names none.
pub(super) fn believing_one_authority(url: &str) -> Result<Option<OptsBuilder>, InvalidDatabase> {
    let (options, Some(authority)) = parsed(url)? else { return Ok(None) };
    let ssl = options.ssl_opts().cloned().unwrap_or_default();
    let ssl = ssl.with_root_certs(vec![authority.into()]).with_disable_built_in_roots(true);
    // What diesel relies on: it keeps its own statements, and a row counts as updated if it was found.
    Ok(Some(OptsBuilder::from_opts(options).ssl_opts(ssl).stmt_cache_size(0).client_found_rows(true)))
}

/// What the driver makes of the URL, and the file of the authority that it names.
fn parsed(url: &str) -> Result<(Opts, Option<PathBuf>), InvalidDatabase> {
    let malformed = |why: &dyn Display| InvalidDatabase::Malformed(why.to_string());
    let mut url = Url::parse(url).map_err(|why| malformed(&why))?;
    let (authorities, others): (Vec<_>, Vec<_>) =
        url.query_pairs().into_owned().partition(|(name, _)| name == AUTHORITY);
    url.query_pairs_mut().clear().extend_pairs(others);
    let options = Opts::from_url(url.as_str()).map_err(|why| malformed(&why))?;
    Ok((options, authorities.into_iter().last().map(|(_, file)| file.into())))
}
