using System.Reflection;

[assembly: AssemblyMetadata("XInstruct.StandIn", "Microsoft.ML.Tokenizers")]
