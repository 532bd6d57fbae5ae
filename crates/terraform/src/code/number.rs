//! Numbers as Terraform has them: exact, never rounded to a machine's fraction.

use std::cmp::Ordering;

/// An exact fraction. What grows beyond 128 bits is no number here, and its reader says that it can't tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    top: i128,
    /// Above zero, without a common factor with `top`.
    bottom: i128,
}

/// The largest denominator: two remainders can then be compared without growing too large.
const FINEST: i128 = 1 << 60;

impl Number {
    pub(crate) const ZERO: Self = Self { top: 0, bottom: 1 };

    pub(crate) fn whole(number: i128) -> Self {
        Self {
            top: number,
            bottom: 1,
        }
    }

    pub(crate) fn count(number: usize) -> Option<Self> {
        i128::try_from(number).ok().map(Self::whole)
    }

    fn new(top: i128, bottom: i128) -> Option<Self> {
        if bottom == 0 || top == i128::MIN || bottom == i128::MIN {
            return None;
        }
        let (mut a, mut b) = (top.unsigned_abs(), bottom.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let factor = i128::try_from(a).ok()?.max(1) * bottom.signum();
        let bottom = bottom / factor;
        (bottom <= FINEST).then_some(Self {
            top: top / factor,
            bottom,
        })
    }

    /// A decimal: `-12`, `0.5`, `1e3`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = before.strip_prefix('-').unwrap_or(before);
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if digits.is_empty()
            || !plain(digits)
            || !plain(after)
            || (after.is_empty() && mantissa.contains('.'))
        {
            return None;
        }
        let top = format!("{before}{after}").parse::<i128>().ok()?;
        let places = exponent.checked_sub(i32::try_from(after.len()).ok()?)?;
        let power = 10_i128.checked_pow(places.unsigned_abs())?;
        if places < 0 {
            Self::new(top, power)
        } else {
            Self::new(top.checked_mul(power)?, 1)
        }
    }

    pub(crate) fn as_whole(self) -> Option<i128> {
        (self.bottom == 1).then_some(self.top)
    }

    pub(crate) fn as_index(self) -> Option<usize> {
        usize::try_from(self.as_whole()?).ok()
    }

    pub(crate) fn is_negative(self) -> bool {
        self.top < 0
    }

    pub(crate) fn add(self, other: Self) -> Option<Self> {
        let left = self.top.checked_mul(other.bottom)?;
        let right = other.top.checked_mul(self.bottom)?;
        Self::new(left.checked_add(right)?, self.bottom.checked_mul(other.bottom)?)
    }

    pub(crate) fn negated(self) -> Self {
        Self {
            top: self.top.wrapping_neg(),
            bottom: self.bottom,
        }
    }

    pub(crate) fn mul(self, other: Self) -> Option<Self> {
        Self::new(
            self.top.checked_mul(other.top)?,
            self.bottom.checked_mul(other.bottom)?,
        )
    }

    /// `None` by zero.
    pub(crate) fn div(self, other: Self) -> Option<Self> {
        Self::new(
            self.top.checked_mul(other.bottom)?,
            self.bottom.checked_mul(other.top)?,
        )
    }

    /// The remainder with the sign of the left, as Go has it.
    pub(crate) fn rem(self, other: Self) -> Option<Self> {
        let quotient = self.div(other)?;
        let times = Self::whole(quotient.top / quotient.bottom);
        self.add(times.mul(other)?.negated())
    }

    pub(crate) fn floor(self) -> Self {
        Self::whole(self.top.div_euclid(self.bottom))
    }

    pub(crate) fn ceil(self) -> Self {
        self.negated().floor().negated()
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        let parts = |n: Self| (n.top.div_euclid(n.bottom), n.top.rem_euclid(n.bottom));
        let ((a, rest_a), (b, rest_b)) = (parts(self), parts(other));
        a.cmp(&b)
            .then_with(|| (rest_a * other.bottom).cmp(&(rest_b * self.bottom)))
    }

    /// As Terraform writes it; `None` where the decimal does not end, since Terraform rounds that one.
    pub(crate) fn text(self) -> Option<String> {
        if self.bottom == 1 {
            return Some(self.top.to_string());
        }
        let (mut scale, mut places) = (1_i128, 0);
        while scale % self.bottom != 0 {
            scale = scale.checked_mul(10)?;
            places += 1;
        }
        let digits = self.top.checked_mul(scale / self.bottom)?;
        let sign = if digits < 0 { "-" } else { "" };
        let padded = format!("{:0>width$}", digits.unsigned_abs(), width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        Some(format!("{sign}{whole}.{fraction}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_and_back() {
        for text in ["0", "-12", "0.5", "-0.05", "443", "12.125"] {
            assert_eq!(Number::parse(text).and_then(Number::text).as_deref(), Some(text));
        }
        assert_eq!(
            Number::parse("1e3").and_then(Number::text).as_deref(),
            Some("1000")
        );
        for text in ["", "-", ".5", "1.", "1e", "0x1", "1_000", " 1", "1e999999999"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
        let third = Number::whole(1).div(Number::whole(3)).unwrap();
        assert_eq!(third.text(), None, "Terraform rounds it");
    }

    proptest! {
        #[test]
        fn division_and_remainder_agree(a in -10_000_i128..10_000, b in 1_i128..500) {
            let (x, y) = (Number::whole(a), Number::whole(b));
            prop_assert_eq!(x.rem(y).unwrap(), Number::whole(a % b));
            prop_assert_eq!(x.div(y).unwrap().floor(), Number::whole(a.div_euclid(b)));
            prop_assert_eq!(x.div(y).unwrap().mul(y).unwrap(), x);
        }
    }
}
