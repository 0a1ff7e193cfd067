//! Where a dossier stands after what came, in whatever order it came.

use std::time::Duration;

use super::world::{moment, noon, record, records, step, steps};
use crate::fact::{Facts, Standing, Tale};
use crate::message::Message;

const CODE: &str = "H99.07-260301-1";

/// What came, one minute after the other: a record (status, finished) or a step (status, moment).
#[derive(Clone, Copy, Debug)]
enum Came {
    Record(u8, &'static str),
    Step(u8, &'static str),
    Erasure,
}
use Came::{Erasure, Record, Step};

fn messages(came: &[Came]) -> Vec<Message> {
    let mut messages = Vec::new();
    for (minute, came) in came.iter().enumerate() {
        let at = noon().plus(Duration::from_secs(60 * minute as u64));
        messages.extend(match came {
            Record(status, finished) => {
                records(&[record(CODE, *status, "20260302", "20260310", finished)], at)
            }
            Step(status, when) => steps(&[step(CODE, *status, when)], at),
            Erasure => {
                let mut told = steps(&[step(CODE, 1, "")], at);
                told[0].tale = Tale::Erasure(at);
                told
            }
        });
    }
    messages
}

fn closed(text: &str) -> Standing {
    Standing::Closed(moment(text).day())
}

#[test]
fn a_dossier_stands_where_the_latest_message_puts_it() {
    for (came, expected) in [
        (vec![], Standing::Out),
        (vec![Record(1, "")], Standing::Out),
        (vec![Record(3, "20260304")], Standing::Out),
        (vec![Record(2, "")], Standing::Pending),
        (vec![Record(5, "")], Standing::Pending),
        // a planned end is no end
        (vec![Record(4, "20260309")], Standing::Pending),
        (vec![Record(9, "20260309160000")], closed("20260309160000")),
        (vec![Record(10, "20260309")], closed("20260309")),
        (vec![Record(8, "20260309")], closed("20260309")),
        // a wish to withdraw ends the work once a date says so
        (vec![Record(7, "")], Standing::Pending),
        (vec![Record(7, "20260309")], closed("20260309")),
        // no date: when it came; again later: still when it came first
        (vec![Record(9, "")], closed("20260315090000")),
        (vec![Record(9, ""), Record(10, "")], closed("20260315090000")),
        // before it was accepted: then at the earliest
        (vec![Record(9, "20260301")], closed("20260302")),
        // a late correction of the date
        (vec![Record(9, "20260309"), Record(9, "20260312")], closed("20260312")),
        // taken up again
        (vec![Record(9, "20260309"), Record(4, "")], Standing::Pending),
        // refused after it had been registered as accepted
        (vec![Record(2, ""), Record(3, "")], Standing::Out),
        // steps
        (vec![Step(9, "20260305")], Standing::Out),
        (vec![Record(2, ""), Step(4, "20260305")], Standing::Pending),
        (vec![Record(2, ""), Step(9, "20260306101500")], closed("20260306101500")),
        (vec![Record(2, ""), Step(9, "20260306"), Step(10, "20260308")], closed("20260306")),
        (vec![Record(2, ""), Step(3, "20260303")], Standing::Out),
        // history sent again after the end does not take the dossier up
        (vec![Record(9, "20260309"), Step(4, "20260305")], closed("20260309")),
        (vec![Record(9, ""), Step(2, "20260303"), Step(4, "20260305")], closed("20260315090000")),
        // a step after the end does
        (vec![Record(9, "20260309"), Step(5, "20260311")], Standing::Pending),
        // the record's own date is the better one
        (vec![Record(9, "20260309"), Step(10, "20260312")], closed("20260309")),
        // a record after a step says how it is now
        (vec![Record(2, ""), Step(9, "20260306"), Record(4, "")], Standing::Pending),
        (vec![Record(2, ""), Step(9, "20260306"), Record(10, "")], closed("20260306")),
        (vec![Step(4, "20260305"), Record(2, "")], Standing::Pending),
        // erased for good
        (vec![Record(2, ""), Erasure], Standing::Out),
        (vec![Erasure, Record(2, "")], Standing::Out),
    ] {
        for order in orders(&messages(&came)) {
            let mut facts = Facts::default();
            order.iter().for_each(|message| facts.join(&message.tale));
            assert_eq!(facts.standing(), expected, "{came:?}");
            order.iter().rev().for_each(|message| facts.join(&message.tale));
            assert_eq!(facts.standing(), expected, "{came:?}, each once more");
        }
    }
}

/// All orders in which the messages may arrive.
fn orders(messages: &[Message]) -> Vec<Vec<Message>> {
    let Some((first, rest)) = messages.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in orders(rest) {
        for at in 0..=order.len() {
            let mut order = order.clone();
            order.insert(at, first.clone());
            all.push(order);
        }
    }
    all
}
