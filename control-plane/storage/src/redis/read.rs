//! Reading tickets, and a whole queue for its owner.

use matching::TicketId;

use super::{
    Redis,
    claims::text_of,
    stored::{Holder, Stored, unreadable},
};
use crate::{Lease, QueueFeed, StorageError, TicketState};

/// Tickets of a queue that are read at once.
const PAGE: usize = 4_096;

impl Redis {
    pub(super) async fn read_tickets(
        &self,
        tickets: &[TicketId],
    ) -> Result<Vec<Option<TicketState>>, StorageError> {
        // Without a connection nothing below is worth waiting for.
        self.link.connection()?;
        let mut homes: Vec<_> = tickets.iter().map(|ticket| self.news.home(ticket)).collect();
        let unknown: Vec<usize> = (0..tickets.len()).filter(|place| homes[*place].is_none()).collect();
        let claims = unknown.iter().map(|place| get(self.keys.ticket_claim(&tickets[*place]))).collect();
        for (place, claim) in unknown.into_iter().zip(self.link.all(claims).await?) {
            let holder = text_of(claim)?.map(|claim| Holder::parse(&claim)).transpose()?;
            homes[place] = holder.map(|holder| holder.queue);
        }

        let home = |(ticket, home): (&TicketId, &Option<_>)| Some((ticket.clone(), home.clone()?));
        let found: Vec<_> = tickets.iter().zip(&homes).filter_map(home).collect();
        // Who follows a ticket has to hear of what happens after this read.
        let followed = found.iter().filter(|(ticket, _)| self.signals.is_followed(ticket)).cloned();
        let followed: Vec<_> = followed.collect();
        if !followed.is_empty() {
            self.news.follow(followed).await;
        }
        let values = found.iter().map(|(ticket, queue)| get(self.keys.queue(queue).ticket(ticket))).collect();
        let mut values = self.link.all(values).await?.into_iter();

        let mut states = Vec::with_capacity(tickets.len());
        for (ticket, home) in tickets.iter().zip(homes) {
            let value = home.and_then(|_| values.next()).map(text_of).transpose()?.flatten();
            let stored = Stored::parse(value.as_deref())?;
            if stored.is_none() {
                self.news.forget(ticket);
            }
            states.push(stored.map(|stored| stored.state));
        }
        Ok(states)
    }

    pub(super) async fn follow_queue(&self, lease: &Lease) -> Result<Option<QueueFeed>, StorageError> {
        self.link.connection()?;
        let changes = self.news.begin_feed(lease).await?;
        let queue = self.keys.queue(&lease.queue);
        let keys = [queue.meta(), queue.queued()];
        let (fence, count) = (lease.fence.to_string(), PAGE.to_string());
        let (mut after, mut up_to) = ("-inf".to_owned(), "+inf".to_owned());
        let mut read = None;
        let mut queued = Vec::new();
        loop {
            // Which tickets, and up to which change, is one moment; a ticket that ends before it is read still has its record.
            let args = [fence.as_str(), &after, &up_to, &count];
            let page: Option<Vec<String>> = self.link.run(&self.scripts.follow, &keys, &args).await?;
            let Some(page) = page else {
                self.news.end_feed(lease);
                return Ok(None);
            };
            let (newest, page) = page.split_first().ok_or_else(|| unreadable(""))?;
            if read.is_none() {
                read = Some(newest.parse().map_err(|_| unreadable(newest))?);
                up_to.clone_from(newest);
            }
            let tickets = page.chunks_exact(2).map(|ticket| get(queue.ticket(&TicketId::new(&ticket[0]))));
            for value in self.link.all(tickets.collect()).await? {
                let stored = Stored::parse(text_of(value)?.as_deref())?;
                queued.extend(stored.map(|stored| stored.state.record));
            }
            match page.last() {
                Some(last) if page.len() == 2 * PAGE => after = format!("({last}"),
                _ => break,
            }
        }
        if !self.news.open_feed(lease, read.unwrap_or_default()) {
            return Err(StorageError::Unavailable("changes were missed while the queue was read".to_owned()));
        }
        Ok(Some(QueueFeed { queued, changes }))
    }
}

fn get(key: String) -> redis::Cmd {
    let mut get = redis::cmd("GET");
    get.arg(key);
    get
}
