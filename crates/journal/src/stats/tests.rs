//! Percentiles of times.

use super::Times;

#[test]
fn percentiles_are_never_below_and_at_most_a_64th_above() {
    for top in [1_u64, 100, 127, 128, 1_000, 29_500_000] {
        let mut times = Times::default();
        (1..=100).for_each(|i| times.add(top * i / 100));
        for percent in [50, 95, 99] {
            let exact = top * percent / 100;
            let told = times.percentile(percent).unwrap();
            assert!(told >= exact && told <= exact + exact / 64, "{top} p{percent}: {told}");
        }
    }
    assert_eq!(Times::default().percentile(50), None);
    let mut times = Times::default();
    times.add(u64::MAX);
    assert_eq!(times.percentile(99), Some(u64::MAX));
}
