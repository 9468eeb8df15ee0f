//! Medians and quantiles.

/// The value below which `percent` of a sorted list lie.
///
/// # Panics
/// If the list is empty.
pub(crate) fn quantile<T: Copy>(sorted: &[T], percent: usize) -> T {
    let last = sorted.len() - 1;
    sorted[(sorted.len() * percent / 100).min(last)]
}

/// The middle value; zero of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_found() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        let hundred: Vec<u32> = (0..100).collect();
        assert_eq!((quantile(&hundred, 50), quantile(&hundred, 99)), (50, 99));
        assert_eq!(quantile(&[7], 99), 7);
    }
}
