//! A few values by name, in as little memory as they take: a player has some, and a queue a million players.

use smol_str::SmolStr;

/// Values by name, sorted by name. Written once, then only read.
#[derive(Debug, Clone, PartialEq)]
pub struct ByName<V>(Box<[(SmolStr, V)]>);

impl<V> ByName<V> {
    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&V> {
        let index = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        Some(&self.0[index].1)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&SmolStr, &V)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V> Default for ByName<V> {
    fn default() -> Self {
        Self(Box::default())
    }
}

/// Of two values of one name the later counts.
impl<N: AsRef<str>, V> FromIterator<(N, V)> for ByName<V> {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(values: I) -> Self {
        let values = values.into_iter().map(|(name, value)| (SmolStr::new(name), value));
        let sorted: std::collections::BTreeMap<_, _> = values.collect();
        Self(sorted.into_iter().collect())
    }
}

impl<V: serde::Serialize> serde::Serialize for ByName<V> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, V: serde::Deserialize<'de>> serde::Deserialize<'de> for ByName<V> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = std::collections::BTreeMap::<SmolStr, V>::deserialize(deserializer)?;
        Ok(Self(values.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_name_and_written_as_a_map() {
        let values: ByName<u32> = [("b", 2), ("a", 1), ("b", 3)].into_iter().collect();
        assert_eq!(
            (values.get("a"), values.get("b"), values.get("c"), values.len()),
            (Some(&1), Some(&3), None, 2)
        );
        let text = serde_json::to_string(&values).unwrap();
        assert_eq!(text, r#"{"a":1,"b":3}"#);
        assert_eq!(serde_json::from_str::<ByName<u32>>(&text).unwrap(), values);
    }
}
