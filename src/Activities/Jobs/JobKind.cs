using System.Text.Json;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Jobs;

/// <summary>A kind of job: what one command does with its recipe. It holds no state; all of a job is in the store.</summary>
public abstract class JobKind
{
    /// <summary>The command, e.g. <c>curate</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What the command does, in a sentence.</summary>
    public abstract string Description { get; }

    /// <summary>What has no default in a recipe, by dotted key: what <c>new</c> writes without a #.</summary>
    public abstract IReadOnlyDictionary<string, string> Examples { get; }

    /// <summary>A recipe with its defaults.</summary>
    public abstract JobRecipe NewRecipe();

    /// <summary>What is said of a result beside where it is: sentences for people, and an object for scripts; null for nothing.</summary>
    /// <param name="folder">The result.</param>
    public virtual (IReadOnlyList<string> Sentences, object Summary)? Tell(string folder) => null;

    internal abstract Task CheckRecipeAsync(JobRecipe recipe, RecipeCheck check, CancellationToken ct);

    internal abstract JobContext Open(string id, JobDocument document, JobStore store);

    internal abstract IReadOnlyList<ShippedInput> ShippedOf(JobRecipe recipe);

    internal abstract IReadOnlyList<JobStage> StagesOf(JobContext job);

    internal abstract Task<int> CountAsync(JobContext job, string stage, CancellationToken ct);

    internal abstract Task WorkAsync(JobContext job, JobWork work, CancellationToken ct);

    internal abstract Task FinishAsync(JobContext job, string folder, CancellationToken ct);
}

/// <summary>A kind of job with a type of recipe.</summary>
public abstract class JobKind<TRecipe> : JobKind
    where TRecipe : JobRecipe, new()
{
    /// <inheritdoc/>
    public sealed override JobRecipe NewRecipe() => new TRecipe();

    /// <summary>Checks rules over several keys, and the files: what types and annotations cannot say. That inputs are there is checked already.</summary>
    protected virtual Task CheckAsync(TRecipe recipe, RecipeCheck check, CancellationToken ct) => Task.CompletedTask;

    /// <summary>What ships with this version and is read by the job: its content is an input, so that another version of it makes another job.</summary>
    /// <param name="recipe">The recipe as it was loaded, with its paths.</param>
    protected virtual IReadOnlyList<ShippedInput> Shipped(TRecipe recipe) => [];

    /// <summary>The stages, in order.</summary>
    protected abstract IReadOnlyList<JobStage> Stages(TRecipe recipe);

    /// <summary>How many parts a stage has: a function of the recipe and of what the stages before it gave, never of who does the work.</summary>
    protected abstract Task<int> PartsAsync(JobContext<TRecipe> job, string stage, CancellationToken ct);

    /// <summary>Does a part. What it writes is decided by the recipe, the inputs, the stages before it and its number alone; whatever stops it, it is done again from its beginning.</summary>
    /// <exception cref="JobException">It cannot be done as the recipe asks: the job ends with the message.</exception>
    protected abstract Task WorkAsync(JobContext<TRecipe> job, JobWork work, CancellationToken ct);

    /// <summary>Writes what the user gets into an empty folder: the same bytes whoever does it.</summary>
    protected abstract Task EndAsync(JobContext<TRecipe> job, string folder, CancellationToken ct);

    internal sealed override Task CheckRecipeAsync(JobRecipe recipe, RecipeCheck check, CancellationToken ct) => CheckAsync((TRecipe)recipe, check, ct);

    internal sealed override IReadOnlyList<ShippedInput> ShippedOf(JobRecipe recipe) => Shipped((TRecipe)recipe);

    internal sealed override JobContext Open(string id, JobDocument document, JobStore store) =>
        new JobContext<TRecipe>(id, document, document.Recipe.Deserialize<TRecipe>(EventJson.Options)!, store);

    internal sealed override IReadOnlyList<JobStage> StagesOf(JobContext job) => Stages(((JobContext<TRecipe>)job).Recipe);

    internal sealed override Task<int> CountAsync(JobContext job, string stage, CancellationToken ct) => PartsAsync((JobContext<TRecipe>)job, stage, ct);

    internal sealed override Task WorkAsync(JobContext job, JobWork work, CancellationToken ct) => WorkAsync((JobContext<TRecipe>)job, work, ct);

    internal sealed override Task FinishAsync(JobContext job, string folder, CancellationToken ct) => EndAsync((JobContext<TRecipe>)job, folder, ct);
}

/// <summary>A text that ships with XInstruct, as an input of a job.</summary>
/// <param name="Role">Its role: <c>shipped/registries/korani</c>, <c>shipped/tasks/xcopa</c>.</param>
/// <param name="Text">The text.</param>
public sealed record ShippedInput(string Role, string Text);

/// <summary>A job cannot be done as its recipe asks: the message says why, and what to change.</summary>
public sealed class JobException(string message, Exception? inner = null) : Exception(message, inner);
