//! The checker is checked: each fault is planted in a legal history, and has to be found, alone.

mod legal;
mod planted;
mod random;
