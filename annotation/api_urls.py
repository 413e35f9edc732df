from django.urls import path

from annotation import api

urlpatterns = [
    path("patches/", api.PatchList.as_view(), name="api-patches"),
    path("patches/<int:pk>/label/", api.PatchLabel.as_view(), name="api-patch-label"),
    path("patches/<int:pk>/labels/", api.PatchLabelHistory.as_view(), name="api-patch-labels"),
    path("slides/<int:pk>/labelling/", api.SlideLabelling.as_view(), name="api-slide-labelling"),
    path("labels/export/", api.LabelExport.as_view(), name="api-labels-export"),
]
