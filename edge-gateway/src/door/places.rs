//! A number of places, in all and for each key: connections, sockets.
//!
//! A key is known as long as it has a place, so there are never more keys than places.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All are taken.
    All,
    /// This key has as many as it may.
    Key,
}

/// Places that can be taken and are given back. Cheap to clone; all clones count the same.
#[derive(Debug)]
pub(crate) struct Places<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    most: usize,
    most_each: usize,
    // Held to take a place or to give it back.
    taken: Mutex<Taken<K>>,
}

#[derive(Debug)]
struct Taken<K> {
    all: usize,
    by_key: HashMap<K, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Eq + Hash> {
    places: Arc<Inner<K>>,
    key: Option<K>,
}

impl<K> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// `most` places, and `most_each` for one key.
    pub(crate) fn new(most: usize, most_each: usize) -> Self {
        let taken = Taken { all: 0, by_key: HashMap::new() };
        Self(Arc::new(Inner { most, most_each, taken: Mutex::new(taken) }))
    }

    /// Takes a place; without a key it counts in all only.
    pub(crate) fn take(&self, key: Option<K>) -> Result<Place<K>, Full> {
        let mut taken = self.0.taken.lock();
        let of_key = key.as_ref().and_then(|key| taken.by_key.get(key)).copied().unwrap_or_default();
        if key.is_some() && of_key >= self.0.most_each {
            return Err(Full::Key);
        }
        if taken.all >= self.0.most {
            return Err(Full::All);
        }
        taken.all += 1;
        if let Some(key) = &key {
            taken.by_key.insert(key.clone(), of_key + 1);
        }
        Ok(Place { places: Arc::clone(&self.0), key })
    }
}

impl<K: Eq + Hash> Place<K> {
    /// Whether it is one of these places, for this key.
    pub(crate) fn is_for(&self, key: &K) -> bool {
        self.key.as_ref() == Some(key)
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all -= 1;
        let Some(key) = &self.key else { return };
        let Some(of_key) = taken.by_key.get_mut(key) else { return };
        *of_key -= 1;
        if *of_key == 0 {
            taken.by_key.remove(key);
        }
        // A flood of addresses should not keep its room once it is over.
        let room = taken.by_key.capacity();
        if room > 1024 && taken.by_key.len() < room / 8 {
            taken.by_key.shrink_to(room / 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_cannot_take_all_and_all_cannot_take_more() {
        let places = Places::new(3, 2);
        let held = [places.take(Some("a")).unwrap(), places.take(Some("a")).unwrap()];
        assert_eq!(places.take(Some("a")).unwrap_err(), Full::Key);
        let other = places.take(Some("b")).unwrap();
        assert_eq!(places.take(Some("c")).unwrap_err(), Full::All);
        assert_eq!(places.take(None).unwrap_err(), Full::All);
        drop(held);
        places.take(Some("a")).unwrap();
        drop(other);
    }

    #[test]
    fn a_key_without_a_place_is_forgotten() {
        let places = Places::new(100_000, 1);
        let held: Vec<_> = (0..50_000).map(|key| places.take(Some(key)).unwrap()).collect();
        assert_eq!(places.0.taken.lock().by_key.len(), 50_000);
        drop(held);
        let taken = places.0.taken.lock();
        assert_eq!((taken.all, taken.by_key.len()), (0, 0));
        assert!(taken.by_key.capacity() < 5_000, "{}", taken.by_key.capacity());
    }
}
