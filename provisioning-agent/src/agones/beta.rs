//! Counters and lists, by gRPC: package `agones.dev.sdk.beta`.

use proto::agones::beta::{
    AddListValueRequest, Counter, CounterUpdateRequest, GetCounterRequest, GetListRequest, List,
    RemoveListValueRequest, UpdateCounterRequest, UpdateListRequest, sdk_server::Sdk,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::SdkApi;
use crate::{
    machine::{self, CounterChange, ListChange},
    shown::shortened,
};

#[tonic::async_trait]
impl Sdk for SdkApi {
    async fn get_counter(&self, request: Request<GetCounterRequest>) -> Result<Response<Counter>, Status> {
        let GetCounterRequest { name } = request.into_inner();
        let wanted = name.clone();
        let found = self.ask("GetCounter", move |machine, _| machine.sdk_counter(&wanted));
        Ok(Response::new(counter(name, found.await??)))
    }

    async fn update_counter(
        &self,
        request: Request<UpdateCounterRequest>,
    ) -> Result<Response<Counter>, Status> {
        let Some(update) = request.into_inner().counter_update_request else {
            return Err(Status::invalid_argument("counterUpdateRequest is missing"));
        };
        let CounterUpdateRequest { name, count, capacity, count_diff } = update;
        let change = CounterChange { count, capacity, diff: count_diff };
        let wanted = name.clone();
        let changed = self.ask("UpdateCounter", move |machine, now_ms| {
            machine.sdk_update_counter(now_ms, &wanted, change, Uuid::new_v4)
        });
        Ok(Response::new(counter(name, changed.await??)))
    }

    async fn get_list(&self, request: Request<GetListRequest>) -> Result<Response<List>, Status> {
        let GetListRequest { name } = request.into_inner();
        let wanted = name.clone();
        let found = self.ask("GetList", move |machine, _| machine.sdk_list(&wanted));
        Ok(Response::new(list(name, found.await??)))
    }

    async fn update_list(&self, request: Request<UpdateListRequest>) -> Result<Response<List>, Status> {
        let UpdateListRequest { list: given, update_mask } = request.into_inner();
        let Some(given) = given else {
            return Err(Status::invalid_argument("list is missing"));
        };
        let mask = update_mask.map(|mask| mask.paths).unwrap_or_default();
        let (name, change) = list_change(given, &mask)?;
        let wanted = name.clone();
        let changed =
            self.ask("UpdateList", move |machine, now_ms| machine.sdk_update_list(now_ms, &wanted, change));
        Ok(Response::new(list(name, changed.await??)))
    }

    async fn add_list_value(&self, request: Request<AddListValueRequest>) -> Result<Response<List>, Status> {
        let AddListValueRequest { name, value } = request.into_inner();
        let wanted = name.clone();
        let changed =
            self.ask("AddListValue", move |machine, now_ms| machine.sdk_add_value(now_ms, &wanted, &value));
        Ok(Response::new(list(name, changed.await??)))
    }

    async fn remove_list_value(
        &self,
        request: Request<RemoveListValueRequest>,
    ) -> Result<Response<List>, Status> {
        let RemoveListValueRequest { name, value } = request.into_inner();
        let wanted = name.clone();
        let changed = self
            .ask("RemoveListValue", move |machine, now_ms| machine.sdk_remove_value(now_ms, &wanted, &value));
        Ok(Response::new(list(name, changed.await??)))
    }
}

/// What the mask names is taken, even where it isn't set. Without a mask, what is set: the published SDK for Node.js sends a
/// mask that names nothing.
fn list_change(given: List, mask: &[String]) -> Result<(String, ListChange), Status> {
    let mut change = ListChange::default();
    if mask.is_empty() {
        change.capacity = (given.capacity != 0).then_some(given.capacity);
        change.values = (!given.values.is_empty()).then_some(given.values);
        return Ok((given.name, change));
    }
    for path in mask {
        match path.as_str() {
            "capacity" => change.capacity = Some(given.capacity),
            "values" => change.values = Some(given.values.clone()),
            // It says which list, and can't be changed.
            "name" => {}
            unknown => {
                let text = format!(
                    "update_mask: `{}` is no field of a list; name capacity or values",
                    shortened(unknown)
                );
                return Err(Status::invalid_argument(text));
            }
        }
    }
    Ok((given.name, change))
}

fn counter(name: String, machine::Counter { count, capacity }: machine::Counter) -> Counter {
    Counter { name, count, capacity }
}

fn list(name: String, machine::List { capacity, values }: machine::List) -> List {
    List { name, capacity, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_says_what_is_taken_and_without_one_it_is_what_is_set() {
        let given = || List { name: "maps".to_owned(), capacity: 0, values: vec!["lava".to_owned()] };
        let change = |mask: &[&str]| {
            let mask: Vec<_> = mask.iter().map(|path| (*path).to_owned()).collect();
            list_change(given(), &mask)
                .map(|(_, change)| (change.capacity, change.values.map(|values| values.len())))
        };
        assert_eq!(change(&[]).unwrap(), (None, Some(1)));
        assert_eq!(change(&["capacity"]).unwrap(), (Some(0), None));
        assert_eq!(change(&["values", "capacity"]).unwrap(), (Some(0), Some(1)));
        assert_eq!(change(&["List.values"]).unwrap_err().code(), tonic::Code::InvalidArgument);
    }
}
