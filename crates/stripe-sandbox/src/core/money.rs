//! Integer minor units, nothing else: proration, percentages, currencies. Rounding is half away from zero, said once, here.

/// `amount × numerator ÷ denominator`, rounded half away from zero. A zero denominator gives zero.
pub(crate) fn ratio(amount: i64, numerator: i64, denominator: i64) -> i64 {
    if denominator == 0 {
        return 0;
    }
    let product = i128::from(amount) * i128::from(numerator);
    let denominator = i128::from(denominator);
    let twice = product.abs() * 2 + denominator.abs();
    let rounded = twice / (denominator.abs() * 2);
    let signed = if (product < 0) == (denominator < 0) {
        rounded
    } else {
        -rounded
    };
    i64::try_from(signed).unwrap_or(i64::MAX)
}

/// A percentage with up to four decimals.
pub(crate) fn percent(amount: i64, percentage: f64) -> i64 {
    ratio(amount, ten_thousandths(percentage), 1_000_000)
}

/// The tax inside an amount that includes it.
pub(crate) fn percent_inside(amount: i64, percentage: f64) -> i64 {
    let rate = ten_thousandths(percentage);
    ratio(amount, rate, 1_000_000 + rate)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "percentages are checked to lie between 0 and 100"
)]
fn ten_thousandths(percentage: f64) -> i64 {
    (percentage * 10_000.0).round() as i64
}

/// How many decimals people see.
pub(crate) fn decimals(currency: &str) -> u32 {
    match currency {
        "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "ugx"
        | "vnd" | "vuv" | "xaf" | "xof" | "xpf" => 0,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
        _ => 2,
    }
}

/// Whether a currency is one the sandbox accepts: three letters of the common ones Stripe lists.
pub(crate) fn known(currency: &str) -> bool {
    const KNOWN: &str = "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw";
    currency.len() == 3 && KNOWN.split(' ').any(|code| code == currency)
}

/// The smallest amount a card can be charged, as documented for common currencies.
pub(crate) fn minimum(currency: &str) -> i64 {
    match currency {
        "aed" | "myr" | "pln" | "ron" => 200,
        "bgn" => 100,
        "czk" => 1500,
        "dkk" => 250,
        "gbp" => 30,
        "hkd" => 400,
        "huf" => 17_500,
        "mxn" | "thb" => 1000,
        "nok" | "sek" => 300,
        "kwd" | "bhd" | "omr" | "jod" | "tnd" => 500,
        _ => 50,
    }
}

/// `$12.00`, `€12.00`, `¥500`, `12.500 KWD`.
pub(crate) fn show(amount: i64, currency: &str) -> String {
    let places = decimals(currency);
    let scale = 10_i64.pow(places);
    let whole = amount.abs() / scale;
    let mut digits = whole.to_string();
    let mut at = digits.len();
    while at > 3 {
        at -= 3;
        digits.insert(at, ',');
    }
    let number = if places == 0 {
        digits
    } else {
        format!(
            "{digits}.{:0width$}",
            amount.abs() % scale,
            width = places as usize
        )
    };
    let sign = if amount < 0 { "−" } else { "" };
    match currency {
        "usd" => format!("{sign}${number}"),
        "eur" => format!("{sign}€{number}"),
        "gbp" => format!("{sign}£{number}"),
        "jpy" => format!("{sign}¥{number}"),
        other => format!("{sign}{number} {}", other.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_half_away_from_zero() {
        assert_eq!(ratio(1000, 1, 3), 333);
        assert_eq!(ratio(1, 1, 2), 1);
        assert_eq!(ratio(-1, 1, 2), -1);
        assert_eq!(ratio(2000, 15 * 86_400, 30 * 86_400), 1000);
        assert_eq!(ratio(5, 0, 0), 0);
    }

    #[test]
    fn money_is_shown_in_its_currency() {
        assert_eq!(show(123_456_789, "usd"), "$1,234,567.89");
        assert_eq!(show(-500, "jpy"), "−¥500");
        assert_eq!(show(12_500, "kwd"), "12.500 KWD");
    }

    #[test]
    fn inclusive_tax_lies_inside() {
        assert_eq!(percent_inside(11_900, 19.0), 1900);
        assert_eq!(percent(10_000, 8.375), 838);
    }
}
