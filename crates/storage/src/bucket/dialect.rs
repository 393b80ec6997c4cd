//! What S3 and OSS name differently: headers, and the checksum they compute themselves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use http::HeaderMap;

use crate::location::Provider;

/// A provider's names of headers.
pub(super) struct Names {
    pub(super) encryption: &'static str,
    /// The value of `encryption` that means the key service.
    pub(super) key_service: &'static str,
    pub(super) encryption_key: &'static str,
    pub(super) storage_class: &'static str,
    pub(super) version: &'static str,
    /// The header, and its value, with which a write replaces nothing.
    pub(super) replace_nothing: (&'static str, &'static str),
    /// The CRC-64 of the whole object.
    pub(super) crc: &'static str,
}

const S3: Names = Names {
    encryption: "x-amz-server-side-encryption",
    key_service: "aws:kms",
    encryption_key: "x-amz-server-side-encryption-aws-kms-key-id",
    storage_class: "x-amz-storage-class",
    version: "x-amz-version-id",
    replace_nothing: ("if-none-match", "*"),
    crc: "x-amz-checksum-crc64nvme",
};

const OSS: Names = Names {
    encryption: "x-oss-server-side-encryption",
    key_service: "KMS",
    encryption_key: "x-oss-server-side-encryption-key-id",
    storage_class: "x-oss-storage-class",
    version: "x-oss-version-id",
    replace_nothing: ("x-oss-forbid-overwrite", "true"),
    crc: "x-oss-hash-crc64ecma",
};

pub(super) fn names(provider: Provider) -> &'static Names {
    match provider {
        Provider::S3 => &S3,
        Provider::Oss => &OSS,
    }
}

fn algorithm(provider: Provider) -> CrcAlgorithm {
    match provider {
        Provider::S3 => CrcAlgorithm::Crc64Nvme,
        Provider::Oss => CrcAlgorithm::Crc64Xz,
    }
}

/// The provider's CRC-64 of these bytes.
pub(super) fn crc(provider: Provider, bytes: &[u8]) -> u64 {
    crc_fast::checksum(algorithm(provider), bytes)
}

/// The CRC-64 of two texts in a row, from theirs and the second one's length.
pub(super) fn crc_of_both(provider: Provider, first: u64, second: u64, second_bytes: u64) -> u64 {
    crc_fast::checksum_combine(algorithm(provider), first, second, second_bytes)
}

/// The text of a CRC in the provider's headers.
pub(super) fn crc_text(provider: Provider, crc: u64) -> String {
    match provider {
        Provider::S3 => STANDARD.encode(crc.to_be_bytes()),
        Provider::Oss => crc.to_string(),
    }
}

/// What [`crc_text`] writes, read. None for what is none.
pub(super) fn crc_from_text(provider: Provider, text: &str) -> Option<u64> {
    match provider {
        Provider::S3 => {
            let bytes: [u8; 8] = STANDARD.decode(text).ok()?.try_into().ok()?;
            Some(u64::from_be_bytes(bytes))
        }
        Provider::Oss => text.parse().ok(),
    }
}

/// A header's text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The CRC that an answer's headers tell.
pub(super) fn crc_of_answer(provider: Provider, headers: &HeaderMap) -> Option<u64> {
    text(headers, names(provider).crc).and_then(|text| crc_from_text(provider, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of parametrised CRC algorithms.
    #[test]
    fn checksums_are_the_providers_and_combine() {
        let digits = b"123456789";
        assert_eq!(crc(Provider::S3, digits), 0xae8b_1486_0a79_9888);
        assert_eq!(crc(Provider::Oss, digits), 0x995d_c9bb_df19_39fa);
        for provider in [Provider::S3, Provider::Oss] {
            let (first, second) = (crc(provider, b"1234"), crc(provider, b"56789"));
            let whole = crc(provider, digits);
            assert_eq!(crc_of_both(provider, first, second, 5), whole);
            assert_eq!(crc_of_both(provider, 0, whole, 9), whole);
            let text = crc_text(provider, whole);
            assert_eq!(crc_from_text(provider, &text), Some(whole));
        }
        assert_eq!(
            crc_text(Provider::S3, 0xae8b_1486_0a79_9888),
            "rosUhgp5mIg="
        );
        assert_eq!(crc_from_text(Provider::S3, "rosU"), None);
    }
}
