"""The scores of each kind of objective as scikit-learn and scipy compute them."""

import numpy as np
from scipy import stats
from sklearn import metrics


def classification(probabilities, labels):
    predicted, n_classes = probabilities.argmax(1), probabilities.shape[1]
    return {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "macro-F1": metrics.f1_score(labels, predicted, average="macro"),
        "MCC": metrics.matthews_corrcoef(labels, predicted),
        "ROC AUC": metrics.roc_auc_score(labels, probabilities[:, 1])
        if n_classes == 2
        else metrics.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro"),
        "average precision": metrics.average_precision_score(labels, probabilities[:, 1])
        if n_classes == 2
        else metrics.average_precision_score(np.eye(n_classes)[labels], probabilities, average="macro"),
        "log loss": metrics.log_loss(labels, probabilities),
    }


def multilabel(probabilities, labels):
    given = probabilities >= 0.5
    columns = range(labels.shape[1])
    clipped = np.clip(probabilities, 1e-15, 1 - 1e-15)
    return {
        "exact match": metrics.accuracy_score(labels, given),
        "micro-F1": metrics.f1_score(labels.ravel(), given.ravel()),
        "macro-F1": np.mean([metrics.f1_score(labels[:, c], given[:, c]) for c in columns]),
        "ROC AUC": np.mean([metrics.roc_auc_score(labels[:, c], probabilities[:, c]) for c in columns]),
        "average precision": np.mean([metrics.average_precision_score(labels[:, c], probabilities[:, c]) for c in columns]),
        "log loss": np.mean([metrics.log_loss(labels[:, c], clipped[:, c], labels=[0, 1]) for c in columns]),
    }


def regression(predicted, targets):
    return {
        "R2": metrics.r2_score(targets, predicted),
        "RMSE": np.sqrt(metrics.mean_squared_error(targets, predicted)),
        "MAE": metrics.mean_absolute_error(targets, predicted),
        "Pearson": stats.pearsonr(targets, predicted).statistic,
        "Spearman": stats.spearmanr(targets, predicted).statistic,
    }
