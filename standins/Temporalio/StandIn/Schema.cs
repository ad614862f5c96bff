namespace Temporalio.StandIn;

/// <summary>The engine's tables.</summary>
internal static class Schema
{
    /// <summary>
    /// History rows are written only by the worker that holds the lease of a workflow task; all others (clients, activities,
    /// timers, other workflows) put events into the inbox, from where the next workflow task takes them. Whoever writes into an
    /// inbox, or changes anything that belongs to a run, first locks the run's row in executions, several in the order of their ids.
    /// </summary>
    public static string Create(string schema) => $"""
        CREATE SCHEMA IF NOT EXISTS {schema};
        CREATE TABLE IF NOT EXISTS {schema}.executions (
            run_id text PRIMARY KEY, namespace text NOT NULL, workflow_id text NOT NULL, workflow_type text NOT NULL,
            task_queue text NOT NULL, status smallint NOT NULL, first_run_id text NOT NULL, attempt int NOT NULL,
            request_id text, parent_id text, parent_run_id text, parent_event bigint, parent_policy smallint,
            start_time timestamptz NOT NULL, execution_time timestamptz NOT NULL, close_time timestamptz, deadline timestamptz,
            task_timeout double precision NOT NULL, history_length bigint NOT NULL, history_size bigint NOT NULL,
            memo text NOT NULL, attributes jsonb NOT NULL, summary text, details text, new_run_id text,
            cancel_requested boolean NOT NULL DEFAULT false,
            task_pending boolean NOT NULL, task_at timestamptz NOT NULL, task_attempt int NOT NULL DEFAULT 0,
            lease_owner int, lease_token bigint NOT NULL DEFAULT 0, lease_until timestamptz, sticky_owner int) WITH (fillfactor = 70);
        CREATE UNIQUE INDEX IF NOT EXISTS executions_running ON {schema}.executions (namespace, workflow_id) WHERE status = 1;
        CREATE INDEX IF NOT EXISTS executions_by_id ON {schema}.executions (namespace, workflow_id, start_time);
        CREATE INDEX IF NOT EXISTS executions_by_request ON {schema}.executions (request_id);
        CREATE INDEX IF NOT EXISTS executions_tasks ON {schema}.executions (namespace, task_queue, task_at)
            WHERE task_pending AND lease_owner IS NULL;
        CREATE INDEX IF NOT EXISTS executions_leases ON {schema}.executions (lease_until) WHERE lease_owner IS NOT NULL;
        CREATE INDEX IF NOT EXISTS executions_sticky ON {schema}.executions (sticky_owner) WHERE sticky_owner IS NOT NULL;
        CREATE INDEX IF NOT EXISTS executions_deadlines ON {schema}.executions (deadline) WHERE status = 1 AND deadline IS NOT NULL;
        CREATE INDEX IF NOT EXISTS executions_children ON {schema}.executions (parent_run_id) WHERE status = 1;
        CREATE TABLE IF NOT EXISTS {schema}.events (
            run_id text NOT NULL, event_id bigint NOT NULL, type smallint NOT NULL, time timestamptz NOT NULL, data text NOT NULL,
            PRIMARY KEY (run_id, event_id));
        CREATE TABLE IF NOT EXISTS {schema}.inbox (
            seq bigserial PRIMARY KEY, run_id text NOT NULL, type smallint NOT NULL, time timestamptz NOT NULL, data text NOT NULL);
        CREATE INDEX IF NOT EXISTS inbox_by_run ON {schema}.inbox (run_id, seq);
        CREATE TABLE IF NOT EXISTS {schema}.timers (
            run_id text NOT NULL, event_id bigint NOT NULL, id text NOT NULL, fire_at timestamptz NOT NULL, PRIMARY KEY (run_id, event_id));
        CREATE INDEX IF NOT EXISTS timers_due ON {schema}.timers (fire_at);
        CREATE TABLE IF NOT EXISTS {schema}.activities (
            run_id text NOT NULL, event_id bigint NOT NULL, activity_id text NOT NULL, namespace text NOT NULL, task_queue text NOT NULL,
            workflow_id text NOT NULL, workflow_type text NOT NULL, priority int NOT NULL, data text NOT NULL,
            state smallint NOT NULL, attempt int NOT NULL, visible_at timestamptz NOT NULL,
            scheduled_at timestamptz NOT NULL, attempt_scheduled_at timestamptz NOT NULL, started_at timestamptz, identity text,
            start_to_close interval, heartbeat interval, start_deadline timestamptz, close_deadline timestamptz, deadline timestamptz,
            heartbeat_details text, cancel_requested boolean NOT NULL DEFAULT false, token bigint NOT NULL DEFAULT 0, last_failure text,
            PRIMARY KEY (run_id, event_id)) WITH (fillfactor = 70);
        CREATE INDEX IF NOT EXISTS activities_tasks ON {schema}.activities (namespace, task_queue, priority, visible_at) WHERE state = 0;
        CREATE INDEX IF NOT EXISTS activities_deadlines ON {schema}.activities (deadline) WHERE deadline IS NOT NULL;
        -- updates.state: 0 waits, 1 accepted, 2 ended, 3 refused (the same id may be sent again), 4 never seen by its workflow
        CREATE TABLE IF NOT EXISTS {schema}.updates (
            run_id text NOT NULL, update_id text NOT NULL, name text NOT NULL, args text NOT NULL, state smallint NOT NULL,
            created timestamptz NOT NULL, result text, failure text, PRIMARY KEY (run_id, update_id));
        CREATE TABLE IF NOT EXISTS {schema}.queries (
            id text PRIMARY KEY, run_id text NOT NULL, namespace text NOT NULL, task_queue text NOT NULL, name text NOT NULL,
            args text NOT NULL, state smallint NOT NULL, visible_at timestamptz NOT NULL, owner int, result text, failure text);
        CREATE INDEX IF NOT EXISTS queries_tasks ON {schema}.queries (namespace, task_queue);
        CREATE TABLE IF NOT EXISTS {schema}.search_attributes (
            namespace text NOT NULL, name text NOT NULL, type smallint NOT NULL, PRIMARY KEY (namespace, name));
        CREATE TABLE IF NOT EXISTS {schema}.workers (key int PRIMARY KEY, suspect_at timestamptz);
        ALTER TABLE {schema}.workers ADD COLUMN IF NOT EXISTS process text;
        ALTER TABLE {schema}.activities ADD COLUMN IF NOT EXISTS owner int;
        """;
}
