from django.urls import path

from viewer import api, tus

urlpatterns = [
    path("projects/", api.ProjectList.as_view(), name="api-projects"),
    path("cases/", api.CaseList.as_view(), name="api-cases"),
    path("slides/", api.SlideList.as_view(), name="api-slides"),
    path("slides/<int:pk>/", api.SlideDetail.as_view(), name="api-slide"),
    path("slides/<int:pk>/mpp/", api.SlideMpp.as_view(), name="api-slide-mpp"),
    path("slides/<int:pk>/colour/", api.SlideColour.as_view(), name="api-slide-colour"),
    path("slides/<int:pk>/open/", api.SlideOpen.as_view(), name="api-slide-open"),
    path("imports/", api.ImportList.as_view(), name="api-imports"),
    path("imports/<int:pk>/", api.ImportDetail.as_view(), name="api-import"),
    path("uploads/", tus.UploadList.as_view(), name="api-uploads"),
    path("uploads/<uuid:pk>/", tus.UploadDetail.as_view(), name="api-upload"),
]
