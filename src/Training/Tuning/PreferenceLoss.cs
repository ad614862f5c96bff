using System.ComponentModel.DataAnnotations;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.Training.Tuning;

/// <summary>How a preference is turned into a loss.</summary>
public enum PreferenceLossKind
{
    /// <summary>Logistic (DPO, Rafailov et al. 2023, equation 7); with label smoothing the conservative one (cDPO, Mitchell 2023).</summary>
    Sigmoid,

    /// <summary>Hinge with margin 1 (SLiC, Zhao et al. 2023).</summary>
    Hinge,

    /// <summary>Squared distance from 1 / 2β (IPO, Azar et al. 2023).</summary>
    Ipo,

    /// <summary>Logistic, unbiased for labels that are wrong with the share of label smoothing (Chowdhury et al. 2024).</summary>
    Robust,
}

/// <summary>The preference loss.</summary>
public sealed record PreferenceOptions
{
    /// <summary>How strongly the policy is held to the reference.</summary>
    [Range(1e-4, 100)]
    public double Beta { get; init; } = 0.1;

    /// <summary>Form of the loss.</summary>
    public PreferenceLossKind Kind { get; init; } = PreferenceLossKind.Sigmoid;

    /// <summary>Share of preferences that are taken to be wrong; from 0 to below 0.5. Sigmoid and robust only.</summary>
    [Range(0, 0.49)]
    public double LabelSmoothing { get; init; }
}

/// <summary>Log-probabilities of the completions of some pairs: two vectors of the same length.</summary>
/// <param name="Chosen">Of the preferred ones.</param>
/// <param name="Rejected">Of the others.</param>
internal readonly record struct PairLogProbabilities(Tensor Chosen, Tensor Rejected);

/// <summary>Losses of preference pairs.</summary>
internal static class PreferenceLoss
{
    /// <summary>The loss of each pair.</summary>
    public static Tensor Of(PairLogProbabilities policy, PairLogProbabilities reference, PreferenceOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Beta);
        ArgumentOutOfRangeException.ThrowIfNegative(options.LabelSmoothing);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(options.LabelSmoothing, 0.5);
        var (beta, smoothing) = (options.Beta, options.LabelSmoothing);
        var margin = policy.Chosen.sub(policy.Rejected).sub(reference.Chosen.sub(reference.Rejected));
        return options.Kind switch
        {
            PreferenceLossKind.Sigmoid => Smoothed(1 - smoothing, smoothing),
            PreferenceLossKind.Robust => Smoothed((1 - smoothing) / (1 - (2 * smoothing)), -smoothing / (1 - (2 * smoothing))),
            PreferenceLossKind.Hinge => functional.relu(1 - (margin * beta)),
            _ => (margin - (1 / (2 * beta))).square(),
        };

        Tensor Smoothed(double right, double wrong)
        {
            var loss = functional.logsigmoid(margin * beta) * -right;
            return wrong == 0 ? loss : loss - (functional.logsigmoid(margin * -beta) * wrong);
        }
    }

    /// <summary>The implied reward of each completion: β (log π − log π_ref).</summary>
    public static Tensor Rewards(Tensor policy, Tensor reference, PreferenceOptions options) => (policy - reference) * options.Beta;
}
