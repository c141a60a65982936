//! DEFLATE with the ZLIB format (RFC 1950, RFC 1951), as lists are compressed.

use flate2::Compression;
use flate2::bufread::{ZlibDecoder, ZlibEncoder};
use std::io::Read;

/// No list is longer, in bytes: that many entries of a byte, a thousand million of a bit.
pub const MOST: usize = 128 * 1024 * 1024;

/// Unpacks a list.
///
/// # Errors
/// What is wrong with it: not the format, cut short, more behind it, longer than [`MOST`].
pub fn inflate(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut rest = packed;
    let mut list = Vec::new();
    let limit = MOST as u64 + 1;
    ZlibDecoder::new(&mut rest)
        .take(limit)
        .read_to_end(&mut list)
        .map_err(|error| format!("its lst cannot be unpacked: {error}"))?;
    if list.len() > MOST {
        let most = MOST / 1024 / 1024;
        return Err(format!(
            "its lst unpacks to more than {most} MiB, and no list is so long"
        ));
    }
    if list.is_empty() {
        return Err("its lst is empty".to_owned());
    }
    if !rest.is_empty() {
        return Err(format!("there are {} bytes behind its lst", rest.len()));
    }
    Ok(list)
}

/// Packs a list, as small as can be.
///
/// # Errors
/// The library's.
pub fn deflate(list: &[u8]) -> Result<Vec<u8>, String> {
    let mut packed = Vec::new();
    ZlibEncoder::new(list, Compression::best())
        .read_to_end(&mut packed)
        .map_err(|error| error.to_string())?;
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jose::status_list::Bits;

    /// Bits, compressed list, and what it says.
    type Example = (Bits, Vec<u8>, Vec<(u64, u8)>);

    fn example(text: &str) -> Example {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let (bits, lst) = lines.next().unwrap().split_once(' ').unwrap();
        let numbers = lines.map(|line| {
            let (index, status) = line.split_once(' ').unwrap();
            (index.parse().unwrap(), status.parse().unwrap())
        });
        let numbers = numbers.collect();
        let list = serde_json::json!({ "sub": "u", "iat": 0,
            "status_list": { "bits": bits.parse::<u64>().unwrap(), "lst": lst } });
        let claims = jose::Claims::parse(list.to_string().as_bytes()).unwrap();
        let header = jose::Header {
            alg: jose::Algorithm::EdDsa,
            kid: None,
            typ: Some("statuslist+jwt".into()),
        };
        let list = jose::status_list::StatusList::of(&header, &claims).unwrap();
        (list.bits, list.compressed, numbers)
    }

    /// Every example and test vector of the draft, both ways.
    ///
    /// Checklist: A.29
    #[test]
    fn the_drafts_lists_say_what_it_says() {
        for (text, entries) in [
            (
                include_str!("../jose/testdata/status_lists/1-bit-example.txt"),
                16,
            ),
            (
                include_str!("../jose/testdata/status_lists/2-bit-example.txt"),
                12,
            ),
            (
                include_str!("../jose/testdata/status_lists/1-bit.txt"),
                1 << 20,
            ),
            (
                include_str!("../jose/testdata/status_lists/2-bit.txt"),
                1 << 20,
            ),
            (
                include_str!("../jose/testdata/status_lists/4-bit.txt"),
                1 << 20,
            ),
            (
                include_str!("../jose/testdata/status_lists/8-bit.txt"),
                1 << 20,
            ),
        ] {
            let (bits, packed, says) = example(text);
            let list = inflate(&packed).unwrap();
            assert_eq!(bits.entries(list.len() as u64), entries);
            let mut expected = vec![0; entries as usize];
            for (index, status) in &says {
                expected[*index as usize] = *status;
            }
            for index in 0..entries {
                let status = bits.of(list[bits.place(index) as usize], index);
                assert_eq!(status, expected[index as usize], "{bits:?} {index}");
            }
            let mut ours = vec![0; list.len()];
            for (index, status) in says {
                bits.set(&mut ours, index, status).unwrap();
            }
            assert_eq!(ours, list);
            assert_eq!(inflate(&deflate(&ours).unwrap()).unwrap(), list);
        }
    }

    /// Checklist: A.29
    #[test]
    fn what_is_not_one_whole_list_is_refused() {
        let (_, packed, _) = example(include_str!("../jose/testdata/status_lists/1-bit.txt"));
        for length in 0..packed.len() {
            assert!(inflate(&packed[..length]).is_err(), "{length} bytes");
        }
        let more = inflate(&[&packed[..], b"x"].concat()).unwrap_err();
        assert!(more.contains("behind"), "{more}");
        // The checksum at the end.
        let mut changed = packed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(inflate(&changed).is_err());
        assert!(
            inflate(&deflate(&[]).unwrap())
                .unwrap_err()
                .contains("empty")
        );
        assert!(inflate(b"not zlib at all").is_err());
    }

    /// More zeros than a list may have, in some hundred kilobytes.
    ///
    /// Checklist: A.29
    #[test]
    fn a_bomb_is_left_at_the_limit() {
        let mut bomb = Vec::new();
        let endless = std::io::repeat(0).take(160 << 20);
        let endless = std::io::BufReader::with_capacity(1 << 20, endless);
        ZlibEncoder::new(endless, Compression::best())
            .read_to_end(&mut bomb)
            .unwrap();
        assert!(bomb.len() < 1 << 20);
        assert!(inflate(&bomb).unwrap_err().contains("more than 128 MiB"));
    }
}
