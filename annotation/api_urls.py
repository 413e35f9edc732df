from django.urls import path

from annotation import api

urlpatterns = [
    path("patches/", api.PatchList.as_view(), name="api-patches"),
    path("patches/<int:pk>/label/", api.PatchLabel.as_view(), name="api-patch-label"),
    path("patches/<int:pk>/labels/", api.PatchLabelHistory.as_view(), name="api-patch-labels"),
    path("patches/<int:pk>/remarks/", api.PatchRemarks.as_view(), name="api-patch-remarks"),
    path("patches/<int:pk>/overrules/", api.PatchOverrules.as_view(), name="api-patch-overrules"),
    path("patches/<int:pk>/adjudication/", api.PatchAdjudication.as_view(), name="api-patch-adjudication"),
    path("slides/<int:pk>/labelling/", api.SlideLabelling.as_view(), name="api-slide-labelling"),
    path("slides/<int:pk>/labels/", api.SlideLabels.as_view(), name="api-slide-labels"),
    path("slides/<int:pk>/tissue/", api.SlideTissue.as_view(), name="api-slide-tissue"),
    path("slides/<int:pk>/model-view/", api.SlideModelView.as_view(), name="api-slide-model-view"),
    path("slides/<int:pk>/finish/", api.FinishSlide.as_view(), name="api-slide-finish"),
    path("slides/<int:pk>/disagreements/", api.Disagreements.as_view(), name="api-slide-disagreements"),
    path("readings/", api.Readings.as_view(), name="api-readings"),
    path("readings/<int:pk>/", api.OneReading.as_view(), name="api-reading"),
    path("projects/<slug:slug>/reading-settings/", api.ReadingRules.as_view(), name="api-reading-settings"),
    path("projects/<slug:slug>/agreement/", api.Agreement.as_view(), name="api-agreement"),
    path("labels/export/", api.LabelExport.as_view(), name="api-labels-export"),
    path("labels/import/", api.LabelImport.as_view(), name="api-labels-import"),
]
