//! The canonical form and the tree.

use std::net::IpAddr;

use proptest::prelude::*;
use terms::exchange::{Blame, Facade, Mode};

use super::*;
use crate::row::Document;
use crate::tree::Tree;

fn arc() -> impl Strategy<Value = Option<Arc<str>>> {
    proptest::option::of("\\PC{0,30}".prop_map(Arc::from))
}

fn time() -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::of(any::<i64>().prop_map(Timestamp::from_micros))
}

fn word<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> BoxedStrategy<Option<T>> {
    proptest::option::of(proptest::sample::select(all)).boxed()
}

fn id() -> impl Strategy<Value = ExchangeId> {
    any::<[u8; 16]>().prop_map(ExchangeId::from_bytes)
}

fn any_row() -> impl Strategy<Value = Row> {
    let opened = any::<i64>().prop_map(Timestamp::from_micros);
    let number = || proptest::option::of(any::<u64>());
    let base = (proptest::sample::select(Kind::ALL), id(), opened);
    let words = (
        word(&Environment::ALL),
        word(Mode::ALL),
        word(Facade::ALL),
        word(Outcome::ALL),
        word(Blame::ALL),
        proptest::option::of("[a-z_]{0,20}".prop_map(std::borrow::Cow::Owned)),
        proptest::option::of(any::<u16>()),
        proptest::option::of(any::<u32>()),
    );
    let parts = (
        (time(), time(), time(), proptest::option::of(id()), any::<u64>()),
        (number(), number(), number(), number()),
        (arc(), arc(), arc(), arc(), arc(), arc(), arc()),
        proptest::collection::vec("\\PC{0,12}".prop_map(Arc::<str>::from), 0..4),
        (proptest::option::of(any::<[u8; 32]>()), proptest::option::of(any::<IpAddr>())),
    );
    (base, words, parts).prop_map(|((kind, id, opened), words, parts)| {
        let (times, numbers, texts, hops, (digest, address)) = parts;
        Row {
            parent: times.3,
            count: times.4,
            closed_at: times.0,
            forwarded_at: times.1,
            answered_at: times.2,
            environment: words.0,
            mode: words.1,
            facade: words.2,
            outcome: words.3,
            blame: words.4,
            fault: words.5.clone(),
            method: words.5.clone(),
            event: words.5.clone(),
            packet_verdict: words.5,
            packet_unchecked: words.7,
            packet_violations: texts.6,
            status: words.6,
            attempts: words.7,
            request_bytes: numbers.0,
            response_bytes: numbers.1,
            upstream_us: numbers.2,
            total_us: numbers.3,
            operation: texts.0,
            consumer_system: texts.1,
            service: texts.2,
            reference: texts.3,
            node: texts.4,
            before: texts.5.map(Document::known),
            hops,
            request_digest: digest.map(Digest::from_bytes),
            client_address: address,
            ..Row::new(kind, id, opened)
        }
    })
}

proptest! {
    #[test]
    fn every_row_is_read_back_as_it_was(row in any_row()) {
        let mut bytes = Vec::new();
        row.encode(&mut bytes);
        let read = Row::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &row);
        prop_assert_eq!(crate::row::exchange_id(&bytes), Some(row.exchange_id));
        prop_assert_eq!(
            crate::row::opened_at(&bytes),
            Some((row.exchange_id, row.opened_at))
        );
        prop_assert!(Row::decode(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn bytes_that_are_read_have_one_form_only(row in any_row(), at: prop::sample::Index, flip in 1..=255_u8) {
        let mut bytes = Vec::new();
        row.encode(&mut bytes);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(read) = Row::decode(&bytes) {
            let mut again = Vec::new();
            read.encode(&mut again);
            prop_assert_eq!(again, bytes);
        }
    }
}

#[test]
fn the_canonical_form_is_what_the_protocol_says() {
    let row = Row {
        node: Some("n1".into()),
        ..Row::new(
            Kind::Call,
            ExchangeId::from_bytes([0x11; 16]),
            Timestamp::from_micros(1_795_302_127_000_001),
        )
    };
    let mut bytes = Vec::new();
    row.encode(&mut bytes);
    let mut expected = vec![0x98, 46, 0x64];
    expected.extend_from_slice(b"call");
    expected.push(0x50);
    expected.extend_from_slice(&[0x11; 16]);
    expected.extend_from_slice(&[0xf6, 1, 0x1b]);
    expected.extend_from_slice(&1_795_302_127_000_001_u64.to_be_bytes());
    expected.extend_from_slice(&[0xf6; 4]);
    expected.extend_from_slice(b"\x66direct");
    expected.extend_from_slice(&[0xf6; 14]);
    expected.extend_from_slice(&[0, 0]);
    expected.extend_from_slice(&[0xf6; 3]);
    expected.push(0);
    expected.extend_from_slice(&[0xf6; 6]);
    expected.extend_from_slice(b"\x62n1");
    expected.extend_from_slice(&[0xf6; 5 + 3]);
    expected.push(2);
    assert_eq!(hex::encode(&bytes), hex::encode(&expected));
}

#[test]
fn a_row_of_form_1_is_read_and_encoded_as_it_was_written() {
    let ground = Ground::new(1);
    let row = Row { form: 1, ..full_row(ground.id(), ground.clock.now()) };
    let mut bytes = Vec::new();
    row.encode(&mut bytes);
    assert_eq!((bytes[1], bytes.last()), (43, Some(&1)), "the array of form 1");
    let read = Row::decode(&bytes).unwrap();
    assert_eq!(read, row);
    assert_eq!((read.form, &read.packet_verdict), (1, &None));
    let mut again = Vec::new();
    read.encode(&mut again);
    assert_eq!(again, bytes, "its own form, so that the tree over it stays");
    // Neither form may stand in the array of the other.
    *bytes.last_mut().unwrap() = 2;
    assert!(Row::decode(&bytes).is_err());
    assert!(row.to_json()["packet_verdict"].is_null() && row.to_json()["form"] == 1);
}

#[test]
fn json_has_every_field_in_order_and_null_for_absent() {
    let ground = Ground::new(1);
    let row = Row {
        after: Some(Document::new(&serde_json::json!({"rate": "600/min"}))),
        client_address: Some("2001:db8::1".parse().unwrap()),
        ..Row::new(Kind::Change, ground.id(), ground.clock.now())
    };
    let mut text = Vec::new();
    row.write_json(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let contract = "kind exchange_id parent count opened_at closed_at forwarded_at answered_at \
        environment mode facade operation hops consumer_member consumer_system credential \
        provider_member service version method status outcome fault blame request_bytes \
        response_bytes request_digest response_digest digest_key attempts upstream upstream_us \
        total_us client_address reference provider_reference node event actor subject before after \
        packet_verdict packet_unchecked packet_violations form";
    let mut at = 0;
    for field in contract.split_whitespace() {
        let key = format!("\"{field}\":");
        at += text[at..].find(&key).unwrap_or_else(|| panic!("{field} is not in its place"));
    }
    assert_eq!(contract.split_whitespace().count(), Row::FIELDS.len() + 1);
    assert!(text.starts_with("{\"kind\":\"change\","), "{text}");
    assert!(text.contains("\"opened_at\":\"2026-11-21T23:02:07.000000Z\",\"closed_at\":null"));
    assert!(text.contains("\"client_address\":\"2001:db8::1\""));
    assert!(text.contains(
        "\"before\":null,\"after\":{\"rate\":\"600/min\"},\"packet_verdict\":null,\
         \"packet_unchecked\":null,\"packet_violations\":null,\"form\":2}"
    ));
}

#[test]
fn the_tree_is_that_of_rfc_6962() {
    // The vectors that implementations of Certificate Transparency share.
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(hex::encode(Tree::default().finish().0), empty);
    for (count, root) in (1..).zip(roots) {
        let mut tree = Tree::default();
        leaves[..count].iter().for_each(|leaf| tree.push(&hex::decode(leaf).unwrap()));
        assert_eq!(hex::encode(tree.finish().0), root, "{count} leaves");
    }
}

#[test]
fn blocks_are_nodes_of_the_whole_tree() {
    let mut whole = Tree::default();
    let mut second = Tree::default();
    for row in 0..1_500_u32 {
        whole.push(&row.to_be_bytes());
        if row >= 1_024 {
            second.push(&row.to_be_bytes());
        }
    }
    let (root, blocks) = whole.finish();
    assert_eq!(blocks.len(), 2);
    assert_eq!(blocks[1], second.finish().0);
    let mut joined = vec![1];
    joined.extend_from_slice(&blocks[0]);
    joined.extend_from_slice(&blocks[1]);
    let joined = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &joined);
    assert_eq!(joined.as_ref(), root);
}
