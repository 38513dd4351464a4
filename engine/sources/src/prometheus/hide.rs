//! Takes secrets out of what a server sent back, before any of it is shown.

use super::address::form;
use super::secret::Secret;

/// Shorter ones tell nothing, and would blank out half of every text (`X-Scope-OrgID: 1`).
const SHORTEST: usize = 4;

/// The body with `***` in place of each secret, as it is and as it stands in an address.
pub(super) fn hide(body: &[u8], secrets: &[Secret]) -> Vec<u8> {
    let mut forms: Vec<String> = Vec::new();
    for secret in secrets.iter().map(Secret::expose).filter(|text| text.len() >= SHORTEST) {
        let encoded = form(&[("", secret.to_owned())]);
        forms.extend([secret.to_owned(), encoded.trim_start_matches('=').to_owned()]);
    }
    // A secret that holds another one goes first, else its rest would stay.
    forms.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut text = String::from_utf8_lossy(body).into_owned();
    for secret in &forms {
        text = text.replace(secret, "***");
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_as_they_are_and_as_addresses_have_them() {
        let secrets = ["hunter2", "hunter2 & more", "1"].map(Secret::new);
        let body = b"no hunter2, no hunter2 & more, no /?key=hunter2+%26+more, 1 or 2";
        assert_eq!(hide(body, &secrets), b"no ***, no ***, no /?key=***, 1 or 2");
    }
}
