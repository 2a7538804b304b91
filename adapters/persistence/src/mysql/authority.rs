//! Whom to believe that a server is who it says: by default the public authorities, or one of one's own.

use std::path::Path;

use mysql_async::{Opts, OptsBuilder};
use url::Url;

use crate::InvalidDatabase;

/// The parameter that names the certificates of whoever may sign the server's, as a PEM file. The driver itself has none.
const AUTHORITY: &str = "ssl_ca";

/// How to connect if the URL names an authority: by TLS, and believing nobody else. `None` if it names none.
///
/// Fails if the file cannot be read, or anything else is wrong with the URL.
pub(super) fn believing_one_authority(url: &str) -> Result<Option<OptsBuilder>, InvalidDatabase> {
    let malformed = |why: &dyn ToString| InvalidDatabase::Malformed(why.to_string());
    let mut parsed = Url::parse(url).map_err(|why| malformed(&why))?;
    let (authorities, others): (Vec<_>, Vec<_>) =
        parsed.query_pairs().into_owned().partition(|(name, _)| name == AUTHORITY);
    parsed.query_pairs_mut().clear().extend_pairs(others);
    let options = Opts::from_url(parsed.as_str()).map_err(|why| malformed(&why))?;
    let Some((_, authority)) = authorities.last() else { return Ok(None) };

    let authority = Path::new(authority);
    std::fs::metadata(authority).map_err(|why| malformed(&format!("{AUTHORITY}: {why}")))?;
    let ssl = options.ssl_opts().cloned().unwrap_or_default();
    let ssl = ssl.with_root_certs(vec![authority.to_owned().into()]).with_disable_built_in_roots(true);
    // What diesel relies on: it keeps its own statements, and a row counts as updated if it was found.
    Ok(Some(OptsBuilder::from_opts(options).ssl_opts(ssl).stmt_cache_size(0).client_found_rows(true)))
}
