//! A batch of the outbox on its way to the disk.

use std::task::{Context, Poll, Waker};

use super::*;

/// Waits for rows that end as told: (how, after how many looks).
fn looks_until_done(rows: &[(Result<(), Unavailable>, u32)]) -> (u32, Result<(), Unavailable>) {
    let rows = rows.iter().map(|(end, after)| {
        let mut left = *after;
        std::future::poll_fn(move |_| match left {
            0 => Poll::Ready(*end),
            _ => {
                left -= 1;
                Poll::Pending
            }
        })
    });
    let mut all = std::pin::pin!(all_durable(rows.collect()));
    let mut context = Context::from_waker(Waker::noop());
    for looks in 0..100 {
        if let Poll::Ready(end) = all.as_mut().poll(&mut context) {
            return (looks, end);
        }
    }
    panic!("it never ends");
}

#[test]
fn every_row_of_a_batch_is_waited_for_and_the_first_error_is_told() {
    let (failed, full) = (Err(Unavailable::Failed), Err(Unavailable::Full));
    let table = [
        (vec![], (0, Ok(()))),
        (vec![(Ok(()), 1), (Ok(()), 2)], (3, Ok(()))),
        (vec![(failed, 0), (Ok(()), 2)], (2, failed)),
        (vec![(Ok(()), 1), (failed, 1), (full, 1), (Ok(()), 1)], (4, failed)),
    ];
    for (rows, expected) in table {
        assert_eq!(looks_until_done(&rows), expected, "{rows:?}");
    }
}
