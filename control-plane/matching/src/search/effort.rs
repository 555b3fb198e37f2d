//! How much work one try may take.

/// What is left of a try's work.
#[derive(Debug)]
pub(crate) struct Effort {
    /// Tickets to be looked at while the neighbours are gathered.
    pub(crate) looks: u32,
    /// Neighbours on each side that are kept.
    pub(crate) neighbours: usize,
    /// Steps of putting tickets together.
    pub(crate) steps: u32,
    /// Matches that the judge is asked about.
    pub(crate) judgements: u32,
    /// Further ones after the first that it takes, where one may be better than another beyond how close the tickets lie.
    pub(crate) choices: u32,
    /// How much was spent.
    spent: u32,
    gave_up: bool,
}

impl Effort {
    /// Tries after which a try looks no further than the last.
    pub(crate) const MOST_TRIES: u8 = 3;

    /// The work of a ticket's first try and of the later ones, each of which looks twice as far. `players`: of a match, at
    /// most. `choosy`: whether a match may be better than another beyond how close the tickets lie.
    pub(crate) fn of_try(tries: u8, players: usize, choosy: bool) -> Self {
        let more = 1 << tries.min(Self::MOST_TRIES);
        Self {
            looks: 512 * more,
            neighbours: (4 * players).clamp(8, 64) * more as usize,
            steps: 4_096 * more,
            judgements: 256 * more,
            choices: if choosy { 32 } else { 0 },
            spent: 0,
            gave_up: false,
        }
    }

    /// A match was found. False: look for no better one.
    pub(crate) fn choose_on(&mut self) -> bool {
        let on = self.choices > 0;
        self.choices = self.choices.saturating_sub(1);
        on
    }

    /// There was more to be looked at.
    pub(crate) fn give_up(&mut self) {
        self.gave_up = true;
    }

    /// Whether something was left undone for want of effort.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// How much was spent, of all kinds together.
    pub(crate) fn spent(&self) -> u32 {
        self.spent
    }

    /// Takes one of what is left. False: nothing is.
    pub(crate) fn spend(&mut self, what: impl FnOnce(&mut Self) -> &mut u32) -> bool {
        self.spent += 1;
        let left = what(self);
        if *left == 0 {
            self.gave_up = true;
            return false;
        }
        *left -= 1;
        true
    }
}
