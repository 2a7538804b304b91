//! What was measured, as a table for people and documents.

use super::questions::Question;
use super::throughput::{Round, Slice};

pub(super) const HEAD: &str = "\
| operation   | server   | requests/s | p50, ms | p99, ms | server CPU, µs | MySQL CPU, µs | statements | ratio               |  aim |
|-------------|----------|-----------:|--------:|--------:|---------------:|--------------:|-----------:|---------------------|-----:|";

/// The rows of one operation: each server's medians, and how the servers compare.
pub(super) fn rows(question: &Question, rounds: &[Round]) -> String {
    let ratios: Vec<f64> = rounds.iter().map(Round::ratio).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    let ratio = format!("{:.2} ({least:.2} to {most:.2})", median(ratios));
    let (ours, floor): (Vec<_>, Vec<_>) = rounds.iter().map(|it| (&it.majestic, &it.floor)).unzip();
    let aim = format!("{:.2}", question.aim);
    format!("{}\n{}", row(question.name, "majestic", &ours, &ratio, &aim), row("", "floor", &floor, "", ""))
}

fn row(operation: &str, server: &str, slices: &[&Slice], ratio: &str, aim: &str) -> String {
    let of = |figure: fn(&Slice) -> f64| median(slices.iter().map(|it| figure(it)).collect());
    format!(
        "| {operation:<11} | {server:<8} | {:>10.0} | {:>7.2} | {:>7.2} | {:>14.0} | {:>13.0} | {:>10.0} | {ratio:<19} | {aim:>4} |",
        of(Slice::per_second),
        of(|it| it.answers.p50_ms),
        of(|it| it.answers.p99_ms),
        of(|it| it.effort.server / it.answers.count * 1e6),
        of(|it| it.effort.mysql / it.answers.count * 1e6),
        of(|it| it.statements / it.answers.count),
    )
}

/// The value in the middle; of an even number, the greater of the two.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_not_moved_by_one_outlier() {
        assert!((median(vec![0.9, 100.0, 0.8, 0.7, 0.85]) - 0.85).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}
