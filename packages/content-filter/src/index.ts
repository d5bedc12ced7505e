/** Conditions on the content of events. The only home of the CEL library. */

export { compileFilter, type Filter, type FilterCompilation } from "./compile-filter.ts";
export { EventFilters } from "./event-filters.ts";
export { type FilterSubject, type FilterSubjectResult, readFilterSubject } from "./filter-subject.ts";
