//! When a certificate ends: the one field of X.509 the program itself reads.

use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use terms::clock::Timestamp;

/// Why a certificate's end is not known.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// No certificate can be read from the file.
    #[error("no certificate can be read")]
    Pem(#[from] rustls_pki_types::pem::Error),
    /// The certificate is not X.509 as RFC 5280 has it.
    #[error("the certificate is not X.509")]
    Form,
}

/// The end of the first certificate of a PEM file (notAfter, RFC 5280 §4.1.2.5).
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn end(path: &Path) -> Result<Timestamp, CertificateError> {
    let certificate = CertificateDer::from_pem_file(path)?;
    not_after(&certificate).ok_or(CertificateError::Form)
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Certificate { tbs { [version], serial, algorithm, issuer, validity { notBefore, notAfter } } }
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(certificate)?;
    let (_, tbs, _) = element(certificate)?;
    let (tag, _, after_version) = element(tbs)?;
    let serial = if tag == VERSION { after_version } else { tbs };
    let (_, _, algorithm) = element(serial)?;
    let (_, _, issuer) = element(algorithm)?;
    let (_, _, validity) = element(issuer)?;
    let (tag, validity, _) = element(validity)?;
    if tag != SEQUENCE {
        return None;
    }
    let (_, _, not_after) = element(validity)?;
    let (tag, text, _) = element(not_after)?;
    read_time(tag, std::str::from_utf8(text).ok()?)
}

/// Tag, content, rest of one DER element; lengths of at most four bytes.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, der) = der.split_first()?;
    let (first, der) = der.split_first()?;
    let (length, der) = match first {
        0..=0x7f => (usize::from(*first), der),
        0x81..=0x84 => {
            let (bytes, rest) = der.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = der.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `YYMMDDHHMMSSZ` (1950 to 2049) or `YYYYMMDDHHMMSSZ`.
fn read_time(tag: u8, text: &str) -> Option<Timestamp> {
    let text = match tag {
        UTC_TIME if text.len() == 13 => {
            let century = if text < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME if text.len() == 15 => text.to_owned(),
        _ => return None,
    };
    let at = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(at.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::{GENERALIZED_TIME, UTC_TIME, end, read_time};

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pem");
        let key = rcgen::KeyPair::generate().unwrap();
        for (year, expected) in
            [(2031, "2031-02-03T00:00:00.000000Z"), (2077, "2077-02-03T00:00:00.000000Z")]
        {
            let mut parameters = rcgen::CertificateParams::new(["lgsp.example".into()]).unwrap();
            parameters.not_after = rcgen::date_time_ymd(year, 2, 3);
            let certificate = parameters.self_signed(&key).unwrap();
            std::fs::write(&path, certificate.pem()).unwrap();
            assert_eq!(end(&path).unwrap().to_string(), expected);
        }
        std::fs::write(&path, "-----BEGIN NOTHING-----").unwrap();
        assert!(end(&path).is_err());
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n")
            .unwrap();
        assert!(end(&path).is_err());
    }

    #[test]
    fn both_forms_of_time() {
        for (tag, text, expected) in [
            (UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59.000000Z")),
            (UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00.000000Z")),
            (GENERALIZED_TIME, "20500101000000Z", Some("2050-01-01T00:00:00.000000Z")),
            (GENERALIZED_TIME, "20501301000000Z", None),
            (UTC_TIME, "20500101000000Z", None),
            (2, "500101000000Z", None),
        ] {
            let read = read_time(tag, text).map(|at| at.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
