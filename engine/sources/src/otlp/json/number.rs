//! Numbers, ids, bytes and lists as proto3's JSON writes them; null stands for the default.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Any integer type from a number or text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Int<T>(pub T);

/// A double from a number or text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Double(pub f64);

/// An id or bytes from hex.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Hex(pub Vec<u8>);

/// Text; null is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Text(pub String);

/// A list; null is empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct List<J, T>(Vec<T>, PhantomData<J>);

impl<J, T> Default for List<J, T> {
    fn default() -> Self {
        List(Vec::new(), PhantomData)
    }
}

impl<J, T> List<J, T> {
    /// Its elements, as the protocol's messages.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

struct IntVisitor<T>(PhantomData<T>);

impl<T: TryFrom<i128> + Default + std::str::FromStr> Visitor<'_> for IntVisitor<T> {
    type Value = Int<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an integer ({}) as a number or text", std::any::type_name::<T>())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Int<T>, E> {
        T::try_from(i128::from(value)).map(Int).map_err(|_| E::custom(format!("{value} is too large")))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Int<T>, E> {
        T::try_from(i128::from(value)).map(Int).map_err(|_| E::custom(format!("{value} is out of range")))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Int<T>, E> {
        // proto3's JSON allows 7.0 and 1e3: what matters is that nothing is cut off.
        if value.fract() == 0.0 && value.abs() < 9.2e18 {
            return T::try_from(value as i128).map(Int).map_err(|_| E::custom(format!("{value} is out of range")));
        }
        Err(E::custom(format!("{value} is no integer")))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Int<T>, E> {
        if let Ok(number) = value.parse::<T>() {
            return Ok(Int(number));
        }
        match value.parse::<f64>() {
            Ok(number) if number.is_finite() => self.visit_f64(number),
            Ok(_) | Err(_) => Err(E::custom(format!("{value:?} is no integer"))),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Int<T>, E> {
        Ok(Int(T::default()))
    }
}

impl<'de, T: TryFrom<i128> + Default + std::str::FromStr> Deserialize<'de> for Int<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(IntVisitor(PhantomData))
    }
}

struct DoubleVisitor;

impl Visitor<'_> for DoubleVisitor {
    type Value = Double;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number, or one as text, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Double, E> {
        Ok(Double(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Double, E> {
        Ok(Double(value as f64))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Double, E> {
        Ok(Double(value as f64))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Double, E> {
        match value {
            "NaN" => Ok(Double(f64::NAN)),
            "Infinity" => Ok(Double(f64::INFINITY)),
            "-Infinity" => Ok(Double(f64::NEG_INFINITY)),
            _ => value.parse().map(Double).map_err(|_| E::custom(format!("{value:?} is no number"))),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Double, E> {
        Ok(Double(0.0))
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(DoubleVisitor)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Text(Option::<String>::deserialize(from)?.unwrap_or_default()))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(from)?.unwrap_or_default();
        let wrong = || D::Error::custom(format!("{text:?} is no id: expected an even number of hexadecimal digits"));
        if text.len() % 2 != 0 || !text.is_ascii() {
            return Err(wrong());
        }
        let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong()));
        bytes.collect::<Result<_, _>>().map(Hex)
    }
}

struct ListVisitor<J, T>(PhantomData<(J, T)>);

impl<'de, J: Deserialize<'de> + Into<T>, T> Visitor<'de> for ListVisitor<J, T> {
    type Value = List<J, T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<List<J, T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element::<J>()? {
            list.push(element.into());
        }
        Ok(List(list, PhantomData))
    }

    fn visit_unit<E: Error>(self) -> Result<List<J, T>, E> {
        Ok(List::default())
    }
}

impl<'de, J: Deserialize<'de> + Into<T>, T> Deserialize<'de> for List<J, T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ListVisitor(PhantomData))
    }
}

impl<T> Int<T> {
    /// The number.
    pub fn get(self) -> T {
        self.0
    }
}

impl From<Int<u64>> for u64 {
    fn from(value: Int<u64>) -> u64 {
        value.0
    }
}

impl From<Double> for f64 {
    fn from(value: Double) -> f64 {
        value.0
    }
}

/// An enum: a number, or the name that protobuf has for it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Choice<N>(pub i32, PhantomData<N>);

/// Which names there are.
pub(super) trait Names {
    /// The number of a name.
    fn number(name: &str) -> Option<i32>;
}

impl<'de, N: Names> Deserialize<'de> for Choice<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct ChoiceVisitor<N>(PhantomData<N>);
        impl<N: Names> Visitor<'_> for ChoiceVisitor<N> {
            type Value = i32;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an enum's number or name")
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<i32, E> {
                i32::try_from(value).map_err(|_| E::custom(format!("{value} is no value of an enum")))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<i32, E> {
                i32::try_from(value).map_err(|_| E::custom(format!("{value} is no value of an enum")))
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<i32, E> {
                N::number(value).or_else(|| value.parse().ok()).ok_or_else(|| E::custom(format!("{value:?} is no value of an enum")))
            }
            fn visit_unit<E: Error>(self) -> Result<i32, E> {
                Ok(0)
            }
        }
        from.deserialize_any(ChoiceVisitor::<N>(PhantomData)).map(|number| Choice(number, PhantomData))
    }
}
