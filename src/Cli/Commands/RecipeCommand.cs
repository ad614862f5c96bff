using System.CommandLine;
using System.Text.Json;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Commands;

/// <summary><c>recipe new</c>, <c>recipe check</c> and <c>recipe schema</c>.</summary>
internal static class RecipeCommand
{
    public static Command Create() => new("recipe", "Writes and checks recipes.") { New(), Check(), Schema() };

    private static Command New()
    {
        var path = new Argument<string>("path") { Description = "File to write." };
        var command = new Command("new", "Writes a commented recipe.") { path };
        command.SetAction(async (result, ct) =>
        {
            var target = result.GetValue(path)!;
            if (File.Exists(target)) throw new UsageException($"{target} exists already. Name another file or remove it first.");
            await File.WriteAllTextAsync(target, RecipeTemplate.Commented(), ct);
            Console.WriteLine($"Wrote {target}. Set languages, corpus.path and seeds.path, then 'xinstruct recipe check {target}'.");
            return ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct recipe new my.yaml");
    }

    private static Command Check()
    {
        var path = new Argument<string>("path") { Description = "Recipe file." };
        var set = new Option<string[]>("--set") { Description = "Override a recipe key." };
        var command = new Command("check", "Checks a recipe and its files without starting anything.") { path, set };
        command.SetAction(result =>
        {
            var json = result.GetValue(CommonOptions.Json);
            try
            {
                var loaded = RecipeFile.Load(result.GetValue(path)!, result.GetValue(set) ?? []);
                if (!json) Failures.Warn(loaded.Warnings);
                Console.WriteLine(json
                    ? JsonSerializer.Serialize(new { Status = "ok", loaded.Recipe.Name, Problems = Array.Empty<RecipeProblem>(), loaded.Warnings }, EventJson.Options)
                    : $"{loaded.Path}: recipe {loaded.Recipe.Name} for {string.Join(", ", loaded.Recipe.Languages)} is good.");
                return ExitCodes.Ok;
            }
            catch (RecipeException e) when (json)
            {
                Console.WriteLine(JsonSerializer.Serialize(new { Status = "bad", e.Problems }, EventJson.Options));
                return ExitCodes.BadInput;
            }
        });
        return command.WithExamples("xinstruct recipe check my.yaml", "xinstruct recipe check my.yaml --set languages=[sw]");
    }

    private static Command Schema()
    {
        var command = new Command("schema", "Prints the JSON schema of recipes, for editors.");
        command.SetAction(_ => Console.WriteLine(RecipeSchema.Json()));
        return command;
    }
}
